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

-- A vend with an unknown payment method may be cashless too, and is shown.
totals_by_rate as (

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

daily_totals as (

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
    from totals_by_rate
    group by payment_method_id, payment_type, business_date, period_ends_on, days_to_payout

),

settlement_shares as (

    select
        *,
        {{ share_to_the_yen(
            'exact_fee', partition_by='payment_method_id, payment_type, period_ends_on', order_by='business_date'
        ) }} as payment_fee,
        case when days_to_payout is not null then period_ends_on end as closes_on
    from daily_totals

),

final as (

    select
        settlement_shares.payment_method_id,
        settlement_shares.business_date,
        payment_methods.payment_method_name,
        settlement_shares.payment_type,
        cast(payment_methods.fee_rate as decimal(5, 4)) as fee_rate,
        cast(settlement_shares.vends as bigint) as vends,
        cast(settlement_shares.refunds as bigint) as refunds,
        cast(settlement_shares.sales_with_tax + settlement_shares.refunded_with_tax as bigint) as charged_with_tax,
        cast(settlement_shares.refunded_with_tax as bigint) as refunded_with_tax,
        cast(settlement_shares.sales_with_tax as bigint) as sales_with_tax,
        cast(settlement_shares.tax_amount as bigint) as tax_amount,
        cast(settlement_shares.sales_with_tax - settlement_shares.tax_amount as bigint) as sales_without_tax,
        cast(settlement_shares.payment_fee as bigint) as payment_fee,
        cast(settlement_shares.sales_with_tax - settlement_shares.payment_fee as bigint) as expected_payout,
        settlement_shares.closes_on,
        {{ days_later('settlement_shares.closes_on', 'settlement_shares.days_to_payout') }} as due_on,
        payment_methods.payment_method_id is not null as is_known_payment_method
    from settlement_shares
    left join payment_methods
        on
            settlement_shares.payment_method_id = payment_methods.payment_method_id
            and {{ valid_on('payment_methods', 'settlement_shares.business_date') }}
    where {{ in_window('settlement_shares.business_date') }}

)

select * from final
