{{ config(materialized='incremental', incremental_strategy='window') }}

with

days as (

    select * from {{ ref('int_weather_days') }}
    where {{ in_window('business_date') }}

),

prefecture_days as (

    select * from {{ ref('mart_prefecture_daily') }}
    where {{ in_window('business_date') }}

),

final as (

    select
        days.business_date,
        days.prefecture,
        cast(days.temperature_max as decimal(4, 1)) as temperature_max,
        cast(days.temperature_min as decimal(4, 1)) as temperature_min,
        cast(days.temperature_mean as decimal(4, 1)) as temperature_mean,
        cast(days.precipitation as decimal(6, 1)) as precipitation,
        cast(days.weather_code as bigint) as weather_code,
        days.forecast_issued_at,
        cast(days.temperature_mean_forecast as decimal(4, 1)) as temperature_mean_forecast,
        cast(days.precipitation_forecast as decimal(6, 1)) as precipitation_forecast,
        cast(coalesce(prefecture_days.machines, 0) as bigint) as machines,
        cast(coalesce(prefecture_days.units_sold, 0) as bigint) as units_sold,
        cast(coalesce(prefecture_days.sales_with_tax, 0) as bigint) as sales_with_tax
    from days
    left join prefecture_days
        on
            days.prefecture = prefecture_days.prefecture
            and days.business_date = prefecture_days.business_date

)

select * from final
