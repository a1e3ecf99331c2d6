{{ config(
    materialized='incremental',
    incremental_strategy='window',
    meta={'reach': {'days_after': 14}}
) }}

with

forecasts as (

    select * from {{ ref('stg_forecasts__daily_machine_forecasts') }}
    where {{ in_window('business_date') }}

),

machine_days as (

    select * from {{ ref('mart_machine_daily') }}
    where {{ in_reach('business_date') }}

),

-- A day on which the machine sold nothing of anything says nothing about the forecast: it may have been down.
final as (

    select
        forecasts.machine_id,
        forecasts.business_date,
        forecasts.forecast_day,
        cast(forecasts.days_ahead as bigint) as days_ahead,
        cast(forecasts.units_expected as decimal(18, 4)) as units_expected,
        cast(forecasts.units_q10 as decimal(18, 4)) as units_q10,
        cast(forecasts.units_q50 as decimal(18, 4)) as units_q50,
        cast(forecasts.units_q90 as decimal(18, 4)) as units_q90,
        case when machine_days.units_sold > 0 then cast(machine_days.units_sold as bigint) end as units_sold,
        case
            when machine_days.units_sold > 0
                then machine_days.units_sold between forecasts.units_q10 and forecasts.units_q90
        end as is_within
    from forecasts
    left join machine_days
        on
            forecasts.machine_id = machine_days.machine_id
            and forecasts.forecast_day = machine_days.business_date

)

select * from final
