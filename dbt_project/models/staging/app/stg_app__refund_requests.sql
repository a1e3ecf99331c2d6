with

refund_requests as (

    select * from {{ source('app', 'app_refund_requests') }}
    where not is_deleted

),

final as (

    select
        request_id,
        customer_id,
        machine_id,
        slot_no,
        amount,
        happened_at,
        requested_at,
        answered_at,
        status,
        _business_date as business_date
    from refund_requests

)

select * from final
