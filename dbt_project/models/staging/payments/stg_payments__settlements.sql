with

settlements as (

    select * from {{ source('payments', 'settlements') }}

),

final as (

    select
        settlement_id,
        _business_date as business_date,
        payment_method_id,
        kind,
        payments,
        gross_amount,
        fee_amount,
        net_amount,
        payout_id,
        paid_on
    from settlements

)

select * from final
