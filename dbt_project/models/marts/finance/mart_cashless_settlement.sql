{{ config(materialized='incremental', incremental_strategy='window') }}

with

-- From a period's first day on, as a day's fee is what it adds to the fee of the days before it.
sales as (

    select * from {{ ref('int_sales_by_tax_rate') }}
    where {{ in_reach('business_date') }}

),

payment_methods as (

    select * from {{ ref('int_payment_methods_versioned') }}

),

-- What nobody knows how it was paid may be cashless too, and is shown.
by_rate as (

    select
        payment_method_id,
        payment_type,
        business_date,
        period_ends_on,
        days_to_payout,
        tax_rate,
        sum(vends) as vends,
        sum(refunds) as refunds,
        sum(sales_with_tax) as sales_with_tax,
        sum(refunded_with_tax) as refunded_with_tax,
        sum(payment_fee) as payment_fee,
        sum(vends_without_fee) as vends_without_fee
    from sales
    where payment_type is null or payment_type <> 'cash'
    group by payment_method_id, payment_type, business_date, period_ends_on, days_to_payout, tax_rate

),

by_day as (

    select
        payment_method_id,
        payment_type,
        business_date,
        period_ends_on,
        days_to_payout,
        sum(vends) as vends,
        sum(refunds) as refunds,
        sum(sales_with_tax) as sales_with_tax,
        sum(refunded_with_tax) as refunded_with_tax,
        sum({{ tax_within('sales_with_tax', 'tax_rate') }}) as tax_amount,
        case when sum(vends_without_fee) = 0 then sum(payment_fee) end as exact_fee
    from by_rate
    group by payment_method_id, payment_type, business_date, period_ends_on, days_to_payout

),

settled as (

    select
        *,
        {{ share_to_the_yen(
            'exact_fee', partition_by='payment_method_id, payment_type, period_ends_on', order_by='business_date'
        ) }} as payment_fee,
        case when days_to_payout is not null then period_ends_on end as closes_on
    from by_day

),

final as (

    select
        settled.payment_method_id,
        settled.business_date,
        payment_methods.payment_method_name,
        settled.payment_type,
        cast(payment_methods.fee_rate as decimal(5, 4)) as fee_rate,
        cast(settled.vends as bigint) as vends,
        cast(settled.refunds as bigint) as refunds,
        cast(settled.sales_with_tax + settled.refunded_with_tax as bigint) as charged_with_tax,
        cast(settled.refunded_with_tax as bigint) as refunded_with_tax,
        cast(settled.sales_with_tax as bigint) as sales_with_tax,
        cast(settled.tax_amount as bigint) as tax_amount,
        cast(settled.sales_with_tax - settled.tax_amount as bigint) as sales_without_tax,
        cast(settled.payment_fee as bigint) as payment_fee,
        cast(settled.sales_with_tax - settled.payment_fee as bigint) as expected_payout,
        settled.closes_on,
        {{ days_later('settled.closes_on', 'settled.days_to_payout') }} as due_on,
        payment_methods.payment_method_id is not null as is_known_payment_method
    from settled
    left join payment_methods
        on
            settled.payment_method_id = payment_methods.payment_method_id
            and {{ valid_on('payment_methods', 'settled.business_date') }}
    where {{ in_window('settled.business_date') }}

)

select * from final
