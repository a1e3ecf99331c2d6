with

-- Added up before anything is joined; a view, so a day that is asked for costs a day.
sold as (

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
        sold.business_date,
        sold.machine_id,
        sold.payment_method_id,
        sold.payment_type,
        sold.tax_rate,
        sold.is_tax_rate_assumed,
        cast(sold.vends as bigint) as vends,
        cast(sold.refunds as bigint) as refunds,
        cast(sold.units_sold as bigint) as units_sold,
        cast(sold.sales_with_tax as bigint) as sales_with_tax,
        cast(sold.refunded_with_tax as bigint) as refunded_with_tax,
        cast(sold.payment_fee as decimal(18, 4)) as payment_fee,
        cast(sold.vends_without_fee as bigint) as vends_without_fee,
        payout_terms.days_to_payout,
        case
            when payout_terms.closes = 'day' then sold.business_date
            when
                payout_terms.closes = 'half_month'
                and sold.business_date - {{ month_of('sold.business_date') }} < 15
                then {{ month_of('sold.business_date') }} + 14
            else {{ last_day_of_month('sold.business_date') }}
        end as period_ends_on
    from sold
    left join payout_terms
        on sold.payment_type = payout_terms.payment_type

)

select * from final
