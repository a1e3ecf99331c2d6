with

lines as (

    select * from {{ ref('stg_shop__order_lines') }}

),

orders as (

    select * from {{ ref('stg_shop__orders') }}

),

products as (

    select * from {{ ref('stg_shop__products') }}

),

final as (

    select
        lines.order_id,
        lines.line_no,
        lines.business_date,
        lines.product_id,
        products.category_id,
        orders.customer_id,
        orders.status <> 'cancelled' as is_sale,
        orders.subscription_id is not null as is_from_subscription,
        lines.quantity as cases,
        lines.quantity * lines.case_price as amount_with_tax
    from lines
    inner join orders
        on
            lines.order_id = orders.order_id
            and lines.business_date = orders.business_date
    left join products
        on lines.product_id = products.product_id

)

select * from final
