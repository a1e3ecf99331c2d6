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

settled as (

    select
        {{ month_of('period_ends_on') }} as business_date,
        {{ round_yen('sum(payment_fee)') }} as payment_fee
    from sales
    group by payment_method_id, payment_type, period_ends_on

),

of_settlements as (

    select
        business_date,
        sum(payment_fee) as payment_fee
    from settled
    group by business_date

),

of_machines as (

    select
        business_date,
        sum(payment_fee) as payment_fee
    from machine_months
    group by business_date

),

final as (

    select
        of_machines.business_date,
        of_machines.payment_fee as fee_of_machines,
        of_settlements.payment_fee as fee_of_settlements
    from of_machines
    left join of_settlements
        on of_machines.business_date = of_settlements.business_date

)

select * from final
where fee_of_machines <> coalesce(fee_of_settlements, 0)
