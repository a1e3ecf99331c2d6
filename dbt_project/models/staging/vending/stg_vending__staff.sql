with

staff as (

    select * from {{ source('vending', 'staff') }}

),

versions as (

    select * from {{ ref('base_platform__master_versions') }}
    where source_name = 'staff'

),

final as (

    select
        staff.staff_id,
        staff.staff_name,
        staff.branch,
        staff.route_id,
        staff._file_id as version_id,
        versions.version_day,
        versions.is_current_version,
        versions.is_in_history,
        staff._line as line_number
    from staff
    inner join versions
        on staff._file_id = versions.file_id
    qualify row_number() over (
        partition by staff._file_id, versions.version_day, staff.staff_id
        order by staff._line desc
    ) = 1

)

select * from final
