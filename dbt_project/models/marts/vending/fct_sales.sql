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
        cast(gross_amount as bigint) as gross_amount,
        cast(fee_amount as bigint) as fee_amount,
        cast(net_amount as bigint) as net_amount,
        cast(cost_amount as bigint) as cost_amount,
        cast(gross_margin as bigint) as gross_margin,
        is_known_machine,
        is_known_product,
        is_known_payment_method,
        file_id,
        cast(line_number as bigint) as line_number
    from vend_attempts
    where status in ('completed', 'refunded')

)

select * from final
