{{ config(materialized='incremental', incremental_strategy='window') }}

with

forecasts as (

    select * from {{ ref('stg_weather__forecasts') }}
    where {{ in_window('business_date') }} and cast(issued_at as date) < business_date

),

final as (

    select
        business_date,
        prefecture,
        cast(issued_at as date) as known_on,
        issued_at,
        cast(temperature_max as decimal(4, 1)) as temperature_max,
        cast(temperature_min as decimal(4, 1)) as temperature_min,
        cast(temperature_mean as decimal(4, 1)) as temperature_mean,
        cast(precipitation as decimal(6, 1)) as precipitation,
        cast(weather_code as bigint) as weather_code
    from forecasts
    qualify
        row_number() over (partition by prefecture, business_date, cast(issued_at as date) order by issued_at desc) = 1

)

select * from final
