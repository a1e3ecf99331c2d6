with

-- Added up before anything is joined. It is a view, so reading one day costs one day.
daily_totals as (

    select
        business_date,
        machine_id,
        payment_method_id,
        payment_type,
        tax_rate,
        is_tax_rate_assumed,
        sum(case when status = 'completed' then 1 else 0 end) as vends,
        sum(case when status = 'refunded' then 1 else 0 end) as refunds,
        sum(units_sold) as units_sold,
        sum(sales_with_tax) as sales_with_tax,
        sum(case when status = 'refunded' then quantity * unit_price else 0 end) as refunded_with_tax,
        sum(payment_fee) as payment_fee,
        sum(case when payment_fee is null then 1 else 0 end) as vends_without_fee
    from {{ ref('fct_sales') }}
    group by business_date, machine_id, payment_method_id, payment_type, tax_rate, is_tax_rate_assumed

),

payout_terms as (

    select * from {{ ref('payout_terms') }}

),

final as (

    select
        daily_totals.business_date,
        daily_totals.machine_id,
        daily_totals.payment_method_id,
        daily_totals.payment_type,
        daily_totals.tax_rate,
        daily_totals.is_tax_rate_assumed,
        cast(daily_totals.vends as bigint) as vends,
        cast(daily_totals.refunds as bigint) as refunds,
        cast(daily_totals.units_sold as bigint) as units_sold,
        cast(daily_totals.sales_with_tax as bigint) as sales_with_tax,
        cast(daily_totals.refunded_with_tax as bigint) as refunded_with_tax,
        cast(daily_totals.payment_fee as decimal(18, 4)) as payment_fee,
        cast(daily_totals.vends_without_fee as bigint) as vends_without_fee,
        payout_terms.days_to_payout,
        case
            when payout_terms.closes = 'day' then daily_totals.business_date
            when
                payout_terms.closes = 'half_month'
                and daily_totals.business_date - {{ month_of('daily_totals.business_date') }} < 15
                then {{ month_of('daily_totals.business_date') }} + 14
            else {{ last_day_of_month('daily_totals.business_date') }}
        end as period_ends_on
    from daily_totals
    left join payout_terms
        on daily_totals.payment_type = payout_terms.payment_type

)

select * from final
