with

forecasts as (

    select
        *,
        case
            when (units_q90 - units_q10) * (units_q90 - units_q10) * 0.1522 > units_expected
                then cast((units_q90 - units_q10) * (units_q90 - units_q10) * 0.1522 as decimal(18, 4))
            else units_expected
        end as variance
    from {{ ref('stg_forecasts__daily_unit_forecasts') }}

),

final as (

    select
        machine_id,
        product_id,
        business_date,
        {{ safe_divide(
            'sum(case when days_ahead <= 7 then units_expected end)', 'count(case when days_ahead <= 7 then 1 end)'
        ) }} as units_per_day,
        {%- for days in range(1, 15) %}
            cast(
                sum(
                    case when days_ahead < {{ days }} then 1 when days_ahead = {{ days }} then 0.5 else 0 end
                    * units_expected
                )
                as decimal(18, 4)
            ) as wanted_{{ days }},
            cast(
                sum(
                    case when days_ahead < {{ days }} then 1 when days_ahead = {{ days }} then 0.5 else 0 end
                    * variance
                )
                as decimal(18, 4)
            ) as variance_{{ days }},
        {%- endfor %}
        count(*) as days_forecast
    from forecasts
    group by machine_id, product_id, business_date

)

select * from final
