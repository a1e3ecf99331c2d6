with

delivered as (

    select * from {{ source('vending', 'sales') }}

),

final as (

    select
        transaction_id,
        _business_date as business_date,
        machine_id,
        slot_no,
        product_id,
        payment_method_id,
        sold_at,
        status,
        quantity,
        unit_price,
        _file_id as file_id,
        _line as line_number
    from delivered

)

select * from final
