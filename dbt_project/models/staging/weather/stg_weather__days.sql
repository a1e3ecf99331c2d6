with

days as (

    select * from {{ source('weather', 'weather_days') }}

),

final as (

    select
        prefecture,
        day as business_date,
        temperature_max,
        temperature_min,
        temperature_mean,
        precipitation,
        weather_code
    from days

)

select * from final
