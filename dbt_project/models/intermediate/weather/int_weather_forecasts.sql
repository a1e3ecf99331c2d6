with

forecasts as (

    select
        *,
        cast(issued_at as date) as known_on
    from {{ ref('stg_weather__forecasts') }}

),

final as (

    select
        known_on,
        prefecture,
        business_date,
        issued_at,
        temperature_max,
        temperature_min,
        temperature_mean,
        precipitation,
        weather_code
    from forecasts
    where known_on < business_date
    qualify row_number() over (partition by prefecture, business_date, known_on order by issued_at desc) = 1

)

select * from final
