with

forecasts as (

    select
        *,
        cast(issued_at as date) as known_on,
        row_number() over (
            partition by prefecture, business_date, cast(issued_at as date)
            order by issued_at desc
        ) as latest_first
    from {{ ref('stg_weather__forecasts') }}

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
    where latest_first = 1 and known_on < business_date

)

select * from final
