with

orders as (

    select
        customer_id,
        order_id,
        cast(date_trunc('month', business_date) as date) as order_month,
        amount_with_tax
    from {{ ref('fct_shop_orders') }}
    where is_sale

),

cohorts as (

    select * from {{ ref('int_shop_cohorts') }}

),

cohort_sizes as (

    select
        cohort_month,
        segment,
        count(*) as cohort_customers
    from cohorts
    group by cohort_month, segment

),

monthly_totals as (

    select
        cohorts.cohort_month,
        cohorts.segment,
        orders.order_month,
        count(distinct orders.customer_id) as customers,
        count(*) as orders,
        sum(orders.amount_with_tax) as sales_with_tax
    from orders
    inner join cohorts
        on orders.customer_id = cohorts.customer_id
    group by cohorts.cohort_month, cohorts.segment, orders.order_month

),

final as (

    select
        monthly_totals.cohort_month,
        monthly_totals.segment,
        monthly_totals.order_month,
        cast(cohort_sizes.cohort_customers as bigint) as cohort_customers,
        cast(monthly_totals.customers as bigint) as customers,
        cast(monthly_totals.orders as bigint) as orders,
        cast(monthly_totals.orders - monthly_totals.customers as bigint) as repeat_orders,
        cast(monthly_totals.sales_with_tax as decimal(18, 2)) as sales_with_tax,
        {{ safe_divide('monthly_totals.customers', 'cohort_sizes.cohort_customers') }} as retention_rate
    from monthly_totals
    inner join cohort_sizes
        on
            monthly_totals.cohort_month = cohort_sizes.cohort_month
            and monthly_totals.segment = cohort_sizes.segment

)

select * from final
