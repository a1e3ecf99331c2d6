with

machine_reports as (

    select * from {{ source('app', 'app_machine_reports') }}

),

final as (

    select
        machine_id,
        reported_at,
        temperature,
        door_is_open,
        error_codes is not null as has_error,
        _business_date as business_date
    from machine_reports

)

select * from final
