with

-- Added up before anything is joined. It is a view, so reading one day costs one day.
daily_totals as (

    select
        payment_method_id,
        business_date,
        count(*) as lines,
        sum(case when paid_on is null then 1 else 0 end) as open_lines,
        sum(case when kind = 'chargeback' then 0 else gross_amount end) as reported_sales_with_tax,
        sum(case when kind = 'chargeback' then -gross_amount else 0 end) as charged_back_with_tax,
        sum(fee_amount) as reported_fee,
        sum(net_amount) as reported_payout,
        sum(case when paid_on is null then 0 else net_amount end) as paid_out,
        max(paid_on) as paid_on
    from {{ ref('stg_payments__settlements') }}
    group by payment_method_id, business_date

),

final as (

    select
        payment_method_id,
        business_date,
        cast(lines as bigint) as lines,
        cast(open_lines as bigint) as open_lines,
        cast(reported_sales_with_tax as bigint) as reported_sales_with_tax,
        cast(charged_back_with_tax as bigint) as charged_back_with_tax,
        cast(reported_fee as bigint) as reported_fee,
        cast(reported_payout as bigint) as reported_payout,
        cast(paid_out as bigint) as paid_out,
        paid_on
    from daily_totals

)

select * from final
