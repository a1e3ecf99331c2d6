{{ config(materialized='incremental', incremental_strategy='window') }}

with

sales as (

    select * from {{ ref('int_sales_by_tax_rate') }}
    where {{ in_window('business_date') }}

),

payment_methods as (

    select * from {{ ref('int_payment_methods_versioned') }}

),

payout_terms as (

    select * from {{ ref('payout_terms') }}

),

-- What nobody knows how it was paid may be cashless too, and is shown.
by_rate as (

    select
        payment_method_id,
        payment_type,
        business_date,
        tax_rate,
        sum(vends) as vends,
        sum(refunds) as refunds,
        sum(gross_amount) as gross_amount,
        sum(refunded_amount) as refunded_amount,
        sum(fee_amount) as fee_amount,
        sum(vends_without_fee) as vends_without_fee
    from sales
    where payment_type is null or payment_type <> 'cash'
    group by payment_method_id, payment_type, business_date, tax_rate

),

settled as (

    select
        payment_method_id,
        payment_type,
        business_date,
        sum(vends) as vends,
        sum(refunds) as refunds,
        sum(gross_amount) as gross_amount,
        sum(refunded_amount) as refunded_amount,
        sum({{ tax_within('gross_amount', 'tax_rate') }}) as tax_amount,
        case when sum(vends_without_fee) = 0 then sum(fee_amount) end as fee_amount
    from by_rate
    group by payment_method_id, payment_type, business_date

),

closed as (

    select
        settled.*,
        payout_terms.days_to_payout,
        case
            when payout_terms.closes = 'day' then settled.business_date
            when
                payout_terms.closes = 'half_month'
                and settled.business_date - {{ month_of('settled.business_date') }} < 15
                then {{ month_of('settled.business_date') }} + 14
            when payout_terms.closes is not null then {{ last_day_of_month('settled.business_date') }}
        end as closes_on
    from settled
    left join payout_terms
        on settled.payment_type = payout_terms.payment_type

),

final as (

    select
        closed.payment_method_id,
        closed.business_date,
        payment_methods.payment_method_name,
        closed.payment_type,
        cast(payment_methods.fee_rate as decimal(5, 4)) as fee_rate,
        cast(closed.vends as bigint) as vends,
        cast(closed.refunds as bigint) as refunds,
        cast(closed.gross_amount + closed.refunded_amount as bigint) as charged_amount,
        cast(closed.refunded_amount as bigint) as refunded_amount,
        cast(closed.gross_amount as bigint) as gross_amount,
        cast(closed.tax_amount as bigint) as tax_amount,
        cast(closed.gross_amount - closed.tax_amount as bigint) as gross_without_tax,
        cast(closed.fee_amount as bigint) as fee_amount,
        cast(closed.gross_amount - closed.fee_amount as bigint) as expected_payout,
        closed.closes_on,
        {{ days_later('closed.closes_on', 'closed.days_to_payout') }} as due_on,
        payment_methods.payment_method_id is not null as is_known_payment_method
    from closed
    left join payment_methods
        on
            closed.payment_method_id = payment_methods.payment_method_id
            and {{ was_valid('payment_methods', 'closed.business_date') }}

)

select * from final
