with

payment_methods as (

    select * from {{ ref('int_payment_methods_versioned') }}
    where is_current

),

final as (

    select
        payment_method_id,
        payment_method_name,
        payment_type,
        cast(fee_rate as decimal(5, 4)) as fee_rate,
        is_listed,
        valid_from
    from payment_methods

)

select * from final
