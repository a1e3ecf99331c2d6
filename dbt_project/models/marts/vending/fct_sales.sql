{{ config(materialized='incremental', incremental_strategy='window') }}

with

vend_attempts as (

    select * from {{ ref('int_vends_priced') }}
    where {{ in_window('business_date') }}

),

final as (

    select
        transaction_id,
        business_date,
        sold_at,
        machine_id,
        machine_name,
        location_type,
        prefecture,
        route_id,
        slot_no,
        product_id,
        product_name,
        category_id,
        payment_method_id,
        payment_type,
        status,
        cast(quantity as bigint) as quantity,
        cast(units_sold as bigint) as units_sold,
        cast(unit_price as bigint) as unit_price,
        cast(unit_cost as bigint) as unit_cost,
        cast(fee_rate as decimal(5, 4)) as fee_rate,
        cast(tax_rate as decimal(5, 4)) as tax_rate,
        is_tax_rate_assumed,
        cast(sales_with_tax as bigint) as sales_with_tax,
        cast(sales_without_tax as decimal(18, 6)) as sales_without_tax,
        cast(payment_fee as decimal(18, 4)) as payment_fee,
        cast(net_sales_without_tax as decimal(18, 6)) as net_sales_without_tax,
        cast(cost_without_tax as decimal(18, 6)) as cost_without_tax,
        cast(margin_without_tax as decimal(18, 6)) as margin_without_tax,
        is_known_machine,
        is_known_product,
        is_known_payment_method,
        file_id,
        cast(line_number as bigint) as line_number
    from vend_attempts
    where status in ('completed', 'refunded')

)

select * from final
