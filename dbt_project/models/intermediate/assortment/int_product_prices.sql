{{ config(materialized='incremental', incremental_strategy='window', on_schema_change='append_new_columns') }}

with

vends as (

    select * from {{ ref('fct_sales') }}
    where
        {{ in_window('business_date') }}
        and units_sold > 0

),

price_totals as (

    select
        product_id,
        business_date,
        unit_price,
        count(*) as vends,
        sum(units_sold) as units_sold,
        sum(sales_with_tax) as sales_with_tax
    from vends
    group by product_id, business_date, unit_price

),

final as (

    select
        product_id,
        business_date,
        unit_price,
        cast(vends as bigint) as vends,
        cast(units_sold as bigint) as units_sold,
        cast(sales_with_tax as bigint) as sales_with_tax,
        row_number() over (
            partition by product_id, business_date
            order by vends desc, unit_price desc
        ) = 1 as is_usual
    from price_totals

)

select * from final
