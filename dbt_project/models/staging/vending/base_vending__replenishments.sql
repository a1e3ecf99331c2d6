with

delivered as (

    select * from {{ source('vending', 'replenishment_records') }}

),

final as (

    select
        record_id as replenishment_id,
        visit_id,
        _business_date as business_date,
        machine_id,
        slot_no,
        product_id,
        staff_id,
        replenished_at,
        quantity_before,
        quantity_added,
        quantity_removed,
        removal_reason,
        cash_collected,
        sales_meter,
        _file_id as file_id,
        _line as line_number
    from delivered

)

select * from final
