with

days as (

    select * from {{ ref('stg_weather__days') }}
    where {{ in_window('business_date') }}

),

forecasts as (

    select
        *,
        row_number() over (partition by prefecture, business_date order by issued_at desc) as latest_first
    from {{ ref('stg_weather__forecasts') }}
    where {{ in_window('business_date') }} and cast(issued_at as date) < business_date

),

final as (

    select
        days.business_date,
        days.prefecture,
        days.temperature_max,
        days.temperature_min,
        days.temperature_mean,
        days.precipitation,
        days.weather_code,
        forecasts.issued_at as forecast_issued_at,
        forecasts.temperature_mean as temperature_mean_forecast,
        forecasts.precipitation as precipitation_forecast
    from days
    left join forecasts
        on
            days.prefecture = forecasts.prefecture
            and days.business_date = forecasts.business_date
            and forecasts.latest_first = 1

)

select * from final
