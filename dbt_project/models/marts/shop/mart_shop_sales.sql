{{ config(materialized='incremental', incremental_strategy='window') }}

with

sold_lines as (

    select
        business_date,
        product_id,
        category_id,
        order_id,
        customer_id,
        cases,
        amount_with_tax,
        case when is_from_subscription then amount_with_tax else 0 end as subscription_amount_with_tax
    from {{ ref('int_shop_order_lines') }}
    where is_sale and {{ in_window('business_date') }}

),

final as (

    select
        business_date,
        product_id,
        category_id,
        cast(count(distinct order_id) as bigint) as orders,
        cast(count(distinct customer_id) as bigint) as customers,
        cast(sum(cases) as bigint) as cases,
        cast(sum(amount_with_tax) as decimal(18, 2)) as sales_with_tax,
        cast(sum(subscription_amount_with_tax) as decimal(18, 2)) as subscription_sales_with_tax
    from sold_lines
    group by business_date, product_id, category_id

)

select * from final
