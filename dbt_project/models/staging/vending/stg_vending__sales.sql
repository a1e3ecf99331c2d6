with

delivered as (

    select * from {{ ref('base_vending__sales') }}

),

superseded as (

    select * from {{ ref('base_vending__sales_superseded') }}

),

final as (

    select
        delivered.transaction_id,
        delivered.business_date,
        delivered.machine_id,
        delivered.slot_no,
        delivered.product_id,
        delivered.payment_method_id,
        delivered.sold_at,
        delivered.status,
        delivered.quantity,
        delivered.unit_price,
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
