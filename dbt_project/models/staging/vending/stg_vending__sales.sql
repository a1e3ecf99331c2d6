with

vend_attempts as (

    {{ one_row_per_key(source('vending', 'sales'), ref('base_platform__file_versions'), 'transaction_id', 'sold_at') }}

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
    from vend_attempts

)

select * from final
