with

history as (

    {{ scd2(
        rows=ref('stg_vending__payment_methods'),
        key='payment_method_id',
        attributes=['payment_method_name', 'payment_type', 'fee_rate'],
    ) }}

)

select * from history
