{{ config(materialized='incremental', incremental_strategy='window') }}

with

sales as (

    select * from {{ ref('fct_sales') }}
    where
        {{ in_window('business_date') }}
        and units_sold > 0

),

usual_prices as (

    select * from {{ ref('int_product_prices') }}
    where
        {{ in_window('business_date') }}
        and is_usual

),

products as (

    select * from {{ ref('int_products_versioned') }}

),

deviations as (

    select
        sales.machine_id,
        sales.product_id,
        sales.business_date,
        sales.unit_price,
        usual_prices.unit_price as usual_price,
        products.list_price,
        max(sales.machine_name) as machine_name,
        max(sales.route_id) as route_id,
        max(sales.product_name) as product_name,
        sum(sales.units_sold) as units_sold
    from sales
    inner join usual_prices
        on
            sales.product_id = usual_prices.product_id
            and sales.business_date = usual_prices.business_date
    left join products
        on
            sales.product_id = products.product_id
            and {{ valid_on('products', 'sales.business_date') }}
    where
        sales.unit_price <> usual_prices.unit_price
        and sales.unit_price <> coalesce(products.list_price, usual_prices.unit_price)
    group by
        sales.machine_id,
        sales.product_id,
        sales.business_date,
        sales.unit_price,
        usual_prices.unit_price,
        products.list_price

),

final as (

    select
        machine_id,
        product_id,
        business_date,
        cast(unit_price as bigint) as unit_price,
        machine_name,
        route_id,
        product_name,
        cast(usual_price as bigint) as usual_price,
        cast(list_price as bigint) as list_price,
        cast(units_sold as bigint) as units_sold,
        cast((unit_price - usual_price) * units_sold as bigint) as amount_off_with_tax
    from deviations

)

select * from final
