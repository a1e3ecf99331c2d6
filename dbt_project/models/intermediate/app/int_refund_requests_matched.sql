with

requests as (

    select * from {{ ref('stg_app__refund_requests') }}

),

customers as (

    select * from {{ ref('stg_app__customers') }}

),

failed_vends as (

    select * from {{ ref('int_vends_failed') }}

),

machine_errors as (

    select
        machine_id,
        business_date,
        count(*) as error_reports
    from {{ ref('stg_app__machine_reports') }}
    where has_error
    group by machine_id, business_date

),

-- People remember the time of a vend to some minutes.
candidate_vends as (

    select
        requests.request_id,
        requests.requested_at,
        failed_vends.transaction_id,
        failed_vends.product_id,
        failed_vends.sold_at,
        abs(datediff('second', failed_vends.sold_at, requests.happened_at)) as seconds_apart
    from requests
    inner join failed_vends
        on
            requests.machine_id = failed_vends.machine_id
            and requests.slot_no = failed_vends.slot_no
    where abs(datediff('second', failed_vends.sold_at, requests.happened_at)) <= 60 * {{ var('minutes_remembered') }}

),

ranked_candidates as (

    select
        request_id,
        requested_at,
        transaction_id,
        product_id,
        sold_at,
        seconds_apart,
        row_number() over (partition by request_id order by seconds_apart, transaction_id) as nearest
    from candidate_vends

),

-- A vend is paid back once: to whom asked first.
claimed_vends as (

    select
        request_id,
        transaction_id,
        product_id,
        sold_at,
        seconds_apart,
        row_number() over (partition by transaction_id order by requested_at, request_id) as claim_no
    from ranked_candidates
    where nearest = 1

),

final as (

    select
        requests.request_id,
        requests.business_date,
        requests.requested_at,
        requests.customer_id,
        customers.points,
        requests.machine_id,
        requests.slot_no,
        requests.amount,
        requests.status,
        requests.happened_at,
        claimed_vends.claim_no,
        claimed_vends.transaction_id,
        claimed_vends.product_id,
        claimed_vends.sold_at,
        claimed_vends.seconds_apart,
        coalesce(machine_errors.error_reports, 0) as error_reports
    from requests
    left join customers
        on requests.customer_id = customers.customer_id
    left join claimed_vends
        on requests.request_id = claimed_vends.request_id
    left join machine_errors
        on
            requests.machine_id = machine_errors.machine_id
            and cast(requests.happened_at as date) = machine_errors.business_date

)

select * from final
