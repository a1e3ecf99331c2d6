-- A day's sales are the same yen and units in every mart.
with

totals as (

    select
        'fct_sales' as mart,
        business_date,
        sum(units_sold) as units_sold,
        sum(sales_with_tax) as sales_with_tax,
        sum(sales_without_tax) as sales_without_tax,
        coalesce(sum(payment_fee), 0) as payment_fee,
        coalesce(sum(margin_without_tax), 0) as margin_without_tax
    from {{ ref('fct_sales') }}
    where {{ in_window('business_date') }}
    group by business_date

    union all

    select
        'mart_machine_daily' as mart,
        business_date,
        sum(units_sold) as units_sold,
        sum(sales_with_tax) as sales_with_tax,
        sum(sales_without_tax) as sales_without_tax,
        coalesce(sum(payment_fee), 0) as payment_fee,
        sum(margin_without_tax) as margin_without_tax
    from {{ ref('mart_machine_daily') }}
    where {{ in_window('business_date') }}
    group by business_date

    union all

    select
        'mart_product_daily' as mart,
        business_date,
        sum(units_sold) as units_sold,
        sum(sales_with_tax) as sales_with_tax,
        sum(sales_without_tax) as sales_without_tax,
        coalesce(sum(payment_fee), 0) as payment_fee,
        sum(margin_without_tax) as margin_without_tax
    from {{ ref('mart_product_daily') }}
    where {{ in_window('business_date') }}
    group by business_date

),

final as (

    select
        business_date,
        max(units_sold) - min(units_sold) as units_apart,
        max(sales_with_tax) - min(sales_with_tax) as sales_with_tax_apart,
        max(sales_without_tax) - min(sales_without_tax) as sales_without_tax_apart,
        max(payment_fee) - min(payment_fee) as fee_apart,
        max(margin_without_tax) - min(margin_without_tax) as margin_apart
    from totals
    group by business_date

)

select * from final
where
    units_apart <> 0
    or sales_with_tax_apart <> 0
    or sales_without_tax_apart <> 0
    or fee_apart <> 0
    or margin_apart <> 0
