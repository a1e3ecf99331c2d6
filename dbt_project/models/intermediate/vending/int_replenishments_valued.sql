with

replenishments as (

    select * from {{ ref('stg_vending__replenishments') }}

),

machines as (

    select * from {{ ref('int_machines_versioned') }}

),

products as (

    select * from {{ ref('int_products_taxed') }}

),

final as (

    select
        replenishments.replenishment_id,
        replenishments.visit_id,
        replenishments.business_date,
        replenishments.replenished_at,
        replenishments.machine_id,
        machines.machine_name,
        machines.route_id,
        replenishments.slot_no,
        replenishments.product_id,
        products.product_name,
        {{ pseudonym('replenishments.staff_id') }} as staff_key,
        replenishments.quantity_before,
        replenishments.quantity_added,
        replenishments.quantity_removed,
        replenishments.quantity_before
        + replenishments.quantity_added
        - replenishments.quantity_removed as quantity_after,
        replenishments.removal_reason,
        products.unit_cost,
        case
            when replenishments.quantity_removed = 0 then 0
            else replenishments.quantity_removed * products.unit_cost_without_tax
        end as removed_cost_without_tax,
        replenishments.cash_collected,
        replenishments.sales_meter,
        machines.machine_id is not null as is_known_machine,
        products.product_id is not null as is_known_product,
        replenishments.file_id,
        replenishments.line_number
    from replenishments
    left join machines
        on
            replenishments.machine_id = machines.machine_id
            and {{ valid_on('machines', 'replenishments.business_date') }}
    left join products
        on
            replenishments.product_id = products.product_id
            and {{ valid_on('products', 'replenishments.business_date') }}

)

select * from final
