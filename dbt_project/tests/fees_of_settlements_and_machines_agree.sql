-- What the machines' shares of a settlement period's fee add up to is the fee of all that was paid in it, rounded once.
with

machine_months as (

    select * from {{ ref('mart_machine_profitability') }}
    where {{ in_months_of_window('business_date') }}

),

sales as (

    select * from {{ ref('int_sales_by_tax_rate') }}
    where {{ in_months_of_window('business_date') }}

),

settlement_fees as (

    select
        {{ month_of('period_ends_on') }} as business_date,
        {{ round_yen('sum(payment_fee)') }} as payment_fee
    from sales
    group by payment_method_id, payment_type, period_ends_on

),

settlement_totals as (

    select
        business_date,
        sum(payment_fee) as payment_fee
    from settlement_fees
    group by business_date

),

machine_totals as (

    select
        business_date,
        sum(payment_fee) as payment_fee
    from machine_months
    group by business_date

),

final as (

    select
        machine_totals.business_date,
        machine_totals.payment_fee as fee_of_machines,
        settlement_totals.payment_fee as fee_of_settlements
    from machine_totals
    left join settlement_totals
        on machine_totals.business_date = settlement_totals.business_date

)

select * from final
where fee_of_machines <> coalesce(fee_of_settlements, 0)
