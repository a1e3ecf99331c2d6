{{ config(materialized='incremental', incremental_strategy='window') }}

with

expected_payouts as (

    select * from {{ ref('mart_cashless_settlement') }}
    where {{ in_window('business_date') }}

),

settlements as (

    select * from {{ ref('int_settlements_daily') }}
    where {{ in_window('business_date') }}

),

both_sides as (

    select
        payment_method_id,
        business_date,
        payment_method_name,
        1 as expectations,
        sales_with_tax as expected_sales_with_tax,
        payment_fee as expected_fee,
        expected_payout,
        due_on,
        0 as lines,
        0 as open_lines,
        0 as reported_sales_with_tax,
        0 as charged_back_with_tax,
        0 as reported_fee,
        0 as reported_payout,
        0 as paid_out,
        cast(null as date) as paid_on
    from expected_payouts

    union all

    select
        payment_method_id,
        business_date,
        cast(null as varchar) as payment_method_name,
        0 as expectations,
        0 as expected_sales_with_tax,
        0 as expected_fee,
        0 as expected_payout,
        cast(null as date) as due_on,
        lines,
        open_lines,
        reported_sales_with_tax,
        charged_back_with_tax,
        reported_fee,
        reported_payout,
        paid_out,
        paid_on
    from settlements

),

day_totals as (

    select
        payment_method_id,
        business_date,
        max(payment_method_name) as payment_method_name,
        sum(expectations) as expectations,
        sum(expected_sales_with_tax) as expected_sales_with_tax,
        case when count(expected_fee) = count(*) then sum(expected_fee) end as expected_fee,
        case when count(expected_payout) = count(*) then sum(expected_payout) end as expected_payout,
        max(due_on) as due_on,
        sum(lines) as lines,
        sum(open_lines) as open_lines,
        sum(reported_sales_with_tax) as reported_sales_with_tax,
        sum(charged_back_with_tax) as charged_back_with_tax,
        sum(reported_fee) as reported_fee,
        sum(reported_payout) as reported_payout,
        sum(paid_out) as paid_out,
        max(paid_on) as paid_on
    from both_sides
    group by payment_method_id, business_date

),

tolerances as (

    select
        *,
        reported_payout - expected_payout as difference,
        {{ share_of_yen('expected_payout', var('settlement_tolerance_rate')) }} as yen_by_rate
    from day_totals

),

differences as (

    select
        *,
        case
            when yen_by_rate > {{ var('settlement_tolerance_yen') }} then yen_by_rate
            when expected_payout is not null then {{ var('settlement_tolerance_yen') }}
        end as tolerance
    from tolerances

),

final as (

    select
        payment_method_id,
        business_date,
        payment_method_name,
        case
            when lines = 0 then 'not_reported'
            when expectations = 0 then 'not_expected'
            when expected_payout is null then 'fee_unknown'
            when abs(difference) > tolerance then 'differs'
            when open_lines > 0 then 'open'
            else 'paid'
        end as state,
        cast(expected_sales_with_tax as bigint) as expected_sales_with_tax,
        cast(reported_sales_with_tax as bigint) as reported_sales_with_tax,
        cast(charged_back_with_tax as bigint) as charged_back_with_tax,
        cast(expected_fee as bigint) as expected_fee,
        cast(reported_fee as bigint) as reported_fee,
        cast(expected_payout as bigint) as expected_payout,
        cast(reported_payout as bigint) as reported_payout,
        cast(difference as bigint) as difference,
        cast(tolerance as bigint) as tolerance,
        cast(paid_out as bigint) as paid_out,
        cast(reported_payout - paid_out as bigint) as open_payout,
        cast(lines as bigint) as lines,
        cast(open_lines as bigint) as open_lines,
        due_on,
        paid_on
    from differences

)

select * from final
