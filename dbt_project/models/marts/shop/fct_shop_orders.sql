{{ config(materialized='incremental', incremental_strategy='window') }}

with

orders as (

    select * from {{ ref('int_shop_orders') }}
    where {{ in_window('business_date') }}

),

final as (

    select
        order_id,
        business_date,
        ordered_at,
        customer_id,
        status,
        is_sale,
        is_from_subscription,
        cast(order_lines as bigint) as order_lines,
        cast(cases as bigint) as cases,
        cast(amount_with_tax as decimal(18, 2)) as amount_with_tax,
        cast(total_with_tax as decimal(18, 2)) as total_with_tax,
        cast(paid_with_tax as decimal(18, 2)) as paid_with_tax
    from orders

)

select * from final
