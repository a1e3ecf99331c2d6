{{ config(materialized='incremental', incremental_strategy='window', on_schema_change='append_new_columns') }}

with

vend_attempts as (

    select * from {{ ref('stg_vending__sales') }}
    where {{ in_window('business_date') }}

),

final as (

    select
        transaction_id,
        business_date,
        sold_at,
        machine_id,
        slot_no,
        product_id,
        payment_method_id,
        file_id,
        line_number
    from vend_attempts
    where status = 'failed'

)

select * from final
