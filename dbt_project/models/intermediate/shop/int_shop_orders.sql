with

orders as (

    select * from {{ ref('stg_shop__orders') }}

),

lines as (

    select * from {{ ref('stg_shop__order_lines') }}

),

payments as (

    select * from {{ ref('stg_shop__payments') }}

),

line_sums as (

    select
        order_id,
        business_date,
        count(*) as order_lines,
        sum(quantity) as cases,
        sum(quantity * case_price) as amount_with_tax
    from lines
    group by order_id, business_date

),

payment_sums as (

    select
        order_id,
        business_date,
        sum(case when status = 'captured' then amount else 0 end) as paid_with_tax
    from payments
    group by order_id, business_date

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
        coalesce(line_sums.order_lines, 0) as order_lines,
        cast(coalesce(line_sums.cases, 0) as bigint) as cases,
        coalesce(line_sums.amount_with_tax, 0) as amount_with_tax,
        orders.total as total_with_tax,
        coalesce(payment_sums.paid_with_tax, 0) as paid_with_tax
    from orders
    left join line_sums
        on
            orders.order_id = line_sums.order_id
            and orders.business_date = line_sums.business_date
    left join payment_sums
        on
            orders.order_id = payment_sums.order_id
            and orders.business_date = payment_sums.business_date

)

select * from final
