with

delivered as (

    select * from {{ ref('base_vending__replenishments') }}

),

outdone as (

    select * from {{ ref('base_vending__replenishments_outdone') }}

),

final as (

    select
        delivered.replenishment_id,
        delivered.visit_id,
        delivered.business_date,
        delivered.machine_id,
        delivered.slot_no,
        delivered.product_id,
        delivered.staff_id,
        delivered.replenished_at,
        delivered.quantity_before,
        delivered.quantity_added,
        delivered.quantity_removed,
        delivered.removal_reason,
        delivered.cash_collected,
        delivered.sales_meter,
        delivered.file_id,
        delivered.line_number
    from delivered
    left join outdone
        on
            delivered.business_date = outdone.business_date
            and delivered.file_id = outdone.file_id
            and delivered.line_number = outdone.line_number
    where outdone.line_number is null

)

select * from final
