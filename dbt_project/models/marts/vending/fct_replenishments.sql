{{ config(materialized='incremental', incremental_strategy='window') }}

with

replenishments as (

    select * from {{ ref('int_replenishments_valued') }}
    where {{ in_window('business_date') }}

),

final as (

    select
        replenishment_id,
        visit_id,
        business_date,
        replenished_at,
        machine_id,
        machine_name,
        route_id,
        slot_no,
        product_id,
        product_name,
        staff_key,
        cast(quantity_before as bigint) as quantity_before,
        cast(quantity_added as bigint) as quantity_added,
        cast(quantity_removed as bigint) as quantity_removed,
        cast(quantity_after as bigint) as quantity_after,
        removal_reason,
        cast(unit_cost as bigint) as unit_cost,
        cast(removed_cost_without_tax as decimal(18, 6)) as removed_cost_without_tax,
        cast(cash_collected as bigint) as cash_collected,
        cast(sales_meter as bigint) as sales_meter,
        is_known_machine,
        is_known_product,
        file_id,
        cast(line_number as bigint) as line_number
    from replenishments

)

select * from final
