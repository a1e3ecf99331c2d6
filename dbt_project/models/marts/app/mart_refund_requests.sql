with

matched_requests as (

    select * from {{ ref('int_refund_requests_matched') }}

),

final as (

    select
        request_id,
        business_date,
        requested_at,
        customer_id,
        cast(points as bigint) as customer_points,
        machine_id,
        slot_no,
        cast(amount as decimal(18, 2)) as amount_with_tax,
        status,
        happened_at,
        case
            when transaction_id is null then 'no failed vend'
            when claim_no > 1 then 'claimed before'
            else 'confirmed'
        end as finding,
        transaction_id,
        product_id,
        sold_at,
        cast(seconds_apart as bigint) as seconds_apart,
        cast(error_reports as bigint) as error_reports
    from matched_requests

)

select * from final
