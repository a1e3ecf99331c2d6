with

delivered as (

    select * from {{ ref('base_vending__sales') }}

),

outdone as (

    select * from {{ ref('base_vending__sales_outdone') }}

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
    left join outdone
        on
            delivered.business_date = outdone.business_date
            and delivered.file_id = outdone.file_id
            and delivered.line_number = outdone.line_number
    where outdone.line_number is null

)

select * from final
