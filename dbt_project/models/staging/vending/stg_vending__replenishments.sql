with

delivered as (

    select * from {{ ref('base_vending__replenishments') }}

),

superseded as (

    select * from {{ ref('base_vending__replenishments_superseded') }}

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
    left join superseded
        on
            delivered.business_date = superseded.business_date
            and delivered.file_id = superseded.file_id
            and delivered.line_number = superseded.line_number
    where superseded.line_number is null

)

select * from final
