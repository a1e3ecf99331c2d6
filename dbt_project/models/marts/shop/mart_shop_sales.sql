{{ config(materialized='incremental', incremental_strategy='window') }}

with

orders as (

    select * from {{ ref('fct_shop_orders') }}
    where {{ in_window('business_date') }}

),

lines as (

    select * from {{ ref('stg_shop__order_lines') }}
    where {{ in_window('business_date') }}

),

products as (

    select * from {{ ref('stg_shop__products') }}

),

sold_lines as (

    select
        orders.business_date,
        products.category_id,
        lines.product_id,
        lines.order_id,
        orders.customer_id,
        lines.quantity,
        lines.quantity * lines.case_price as amount_with_tax,
        case when orders.is_from_subscription then lines.quantity * lines.case_price else 0 end
            as subscription_amount_with_tax
    from lines
    inner join orders
        on lines.order_id = orders.order_id
    left join products
        on lines.product_id = products.product_id
    where orders.is_sale

),

final as (

    select
        business_date,
        product_id,
        category_id,
        cast(count(distinct order_id) as bigint) as orders,
        cast(count(distinct customer_id) as bigint) as customers,
        cast(sum(quantity) as bigint) as cases,
        cast(sum(amount_with_tax) as decimal(18, 2)) as sales_with_tax,
        cast(sum(subscription_amount_with_tax) as decimal(18, 2)) as subscription_sales_with_tax
    from sold_lines
    group by business_date, product_id, category_id

)

select * from final
