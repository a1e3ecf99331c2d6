with

staff as (

    select * from {{ source('vending', 'staff') }}

),

file_versions as (

    select * from {{ ref('base_platform__file_versions') }}
    where source_name = 'staff'

),

final as (

    select
        staff.staff_id,
        staff.staff_name,
        staff.branch,
        staff.route_id,
        staff._file_id as version_id,
        file_versions.version_day,
        file_versions.is_current_version,
        file_versions.is_in_history,
        staff._line as line_number
    from staff
    inner join file_versions
        on staff._file_id = file_versions.file_id
    qualify row_number() over (
        partition by staff._file_id, staff.staff_id
        order by staff._line desc
    ) = 1

)

select * from final
