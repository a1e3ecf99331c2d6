with

orders as (

    select * from {{ ref('stg_shop__orders') }}
    where status <> 'cancelled'

),

customers as (

    select * from {{ ref('stg_shop__customers') }}

),

first_orders as (

    select
        customer_id,
        cast(date_trunc('month', min(business_date)) as date) as cohort_month
    from orders
    group by customer_id

),

final as (

    select
        first_orders.customer_id,
        first_orders.cohort_month,
        coalesce(customers.segment, 'deleted') as segment
    from first_orders
    left join customers
        on first_orders.customer_id = customers.customer_id

)

select * from final
