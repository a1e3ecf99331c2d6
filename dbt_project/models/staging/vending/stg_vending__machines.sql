with

machines as (

    select * from {{ source('vending', 'vending_machines') }}

),

versions as (

    select * from {{ ref('base_platform__master_versions') }}
    where source_name = 'vending_machines'

),

final as (

    select
        machines.machine_id,
        machines.machine_name,
        machines.location_name,
        machines.location_type,
        machines.prefecture,
        machines.latitude,
        machines.longitude,
        machines.route_id,
        machines.installed_on,
        machines.removed_on,
        machines.status,
        machines.commission_rate,
        machines._file_id as version_id,
        versions.version_day,
        versions.is_current_version,
        versions.is_in_history,
        machines._line as line_number
    from machines
    inner join versions
        on machines._file_id = versions.file_id
    qualify row_number() over (
        partition by machines._file_id, versions.version_day, machines.machine_id
        order by machines._line desc
    ) = 1

)

select * from final
