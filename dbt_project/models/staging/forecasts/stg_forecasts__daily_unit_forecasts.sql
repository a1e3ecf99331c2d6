with

forecasts as (

    select * from {{ source('forecasts', 'daily_unit_forecasts') }}

),

final as (

    select
        machine_id,
        product_id,
        _business_date as business_date,
        forecast_day,
        days_ahead,
        expected as units_expected,
        q10 as units_q10,
        q50 as units_q50,
        q90 as units_q90
    from forecasts

)

select * from final
