{{ config(materialized='incremental', incremental_strategy='window') }}

with

orders as (

    select * from {{ ref('stg_shop__orders') }}
    where {{ in_window('business_date') }}

),

lines as (

    select * from {{ ref('stg_shop__order_lines') }}
    where {{ in_window('business_date') }}

),

line_sums as (

    select
        order_id,
        count(*) as order_lines,
        sum(quantity) as cases,
        sum(quantity * case_price) as amount_with_tax
    from lines
    group by order_id

),

final as (

    select
        orders.order_id,
        orders.business_date,
        orders.ordered_at,
        orders.customer_id,
        orders.status,
        orders.status <> 'cancelled' as is_sale,
        orders.subscription_id is not null as is_from_subscription,
        cast(coalesce(line_sums.order_lines, 0) as bigint) as order_lines,
        cast(coalesce(line_sums.cases, 0) as bigint) as cases,
        cast(coalesce(line_sums.amount_with_tax, 0) as decimal(18, 2)) as amount_with_tax,
        cast(orders.total as decimal(18, 2)) as total_with_tax
    from orders
    left join line_sums
        on orders.order_id = line_sums.order_id

)

select * from final
