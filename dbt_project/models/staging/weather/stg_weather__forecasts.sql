with

forecasts as (

    select * from {{ source('weather', 'weather_forecasts') }}

),

final as (

    select
        issued_at,
        prefecture,
        day as business_date,
        temperature_max,
        temperature_min,
        temperature_mean,
        precipitation,
        weather_code
    from forecasts

)

select * from final
