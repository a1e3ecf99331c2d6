-- A day's sales are the same yen and units, whichever mart is asked.
with

totals as (

    select
        'fct_sales' as mart,
        business_date,
        sum(units_sold) as units_sold,
        sum(gross_amount) as gross_amount,
        coalesce(sum(gross_margin), 0) as gross_margin
    from {{ ref('fct_sales') }}
    where {{ in_window('business_date') }}
    group by business_date

    union all

    select
        'mart_machine_daily' as mart,
        business_date,
        sum(units_sold) as units_sold,
        sum(gross_amount) as gross_amount,
        sum(gross_margin) as gross_margin
    from {{ ref('mart_machine_daily') }}
    where {{ in_window('business_date') }}
    group by business_date

    union all

    select
        'mart_product_daily' as mart,
        business_date,
        sum(units_sold) as units_sold,
        sum(gross_amount) as gross_amount,
        sum(gross_margin) as gross_margin
    from {{ ref('mart_product_daily') }}
    where {{ in_window('business_date') }}
    group by business_date

),

final as (

    select
        business_date,
        max(units_sold) - min(units_sold) as units_apart,
        max(gross_amount) - min(gross_amount) as gross_apart,
        max(gross_margin) - min(gross_margin) as margin_apart
    from totals
    group by business_date

)

select * from final
where units_apart <> 0 or gross_apart <> 0 or margin_apart <> 0
