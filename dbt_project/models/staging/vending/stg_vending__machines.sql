with

machines as (

    select * from {{ source('vending', 'vending_machines') }}

),

file_versions as (

    select * from {{ ref('base_platform__file_versions') }}
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
        file_versions.version_day,
        file_versions.is_current_version,
        file_versions.is_in_history,
        machines._line as line_number
    from machines
    inner join file_versions
        on machines._file_id = file_versions.file_id
    qualify row_number() over (
        partition by machines._file_id, machines.machine_id
        order by machines._line desc
    ) = 1

)

select * from final
