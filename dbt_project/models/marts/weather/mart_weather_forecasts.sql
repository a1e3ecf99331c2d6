with

forecasts as (

    select * from {{ ref('int_weather_forecasts') }}

),

final as (

    select
        known_on,
        prefecture,
        business_date,
        issued_at,
        cast(temperature_max as decimal(4, 1)) as temperature_max,
        cast(temperature_min as decimal(4, 1)) as temperature_min,
        cast(temperature_mean as decimal(4, 1)) as temperature_mean,
        cast(precipitation as decimal(6, 1)) as precipitation,
        cast(weather_code as bigint) as weather_code
    from forecasts

)

select * from final
