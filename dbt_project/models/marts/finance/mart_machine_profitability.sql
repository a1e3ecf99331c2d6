{{ config(materialized='incremental', incremental_strategy='window') }}

with

machine_days as (

    select * from {{ ref('mart_machine_daily') }}
    where {{ in_window('business_date') }}

),

sales as (

    select * from {{ ref('int_sales_by_tax_rate') }}
    where {{ in_window('business_date') }}

),

waste as (

    select * from {{ ref('mart_waste') }}
    where {{ in_window('business_date') }}

),

machines as (

    select * from {{ ref('int_machines_versioned') }}

),

-- The site's owner has a share of what was paid, at the rate of the day; rounded once per machine and month.
machine_months as (

    select
        machine_days.machine_id,
        {{ month_of('machine_days.business_date') }} as business_date,
        count(*) as days,
        sum(machine_days.vends) as vends,
        sum(machine_days.units_sold) as units_sold,
        sum(machine_days.sales_with_tax) as sales_with_tax,
        {{ round_yen('sum(machine_days.cost_without_tax)') }} as cost_without_tax,
        sum(machine_days.vends_without_margin) as vends_without_margin,
        sum(machine_days.visits) as visits,
        sum({{ exact_share('machine_days.sales_with_tax', 'machines.commission_rate') }}) as exact_commission,
        sum(case when machines.commission_rate is null then 1 else 0 end) as days_without_commission
    from machine_days
    left join machines
        on
            machine_days.machine_id = machines.machine_id
            and {{ valid_on('machines', 'machine_days.business_date') }}
    group by machine_days.machine_id, {{ month_of('machine_days.business_date') }}

),

totals_by_rate as (

    select
        machine_id,
        {{ month_of('business_date') }} as business_date,
        tax_rate,
        sum(sales_with_tax) as sales_with_tax
    from sales
    group by machine_id, {{ month_of('business_date') }}, tax_rate

),

machine_taxes as (

    select
        machine_id,
        business_date,
        sum({{ tax_within('sales_with_tax', 'tax_rate') }}) as tax_amount
    from totals_by_rate
    group by machine_id, business_date

),

-- A provider takes its fee from what all machines sold in a settlement period, which lies within a month.
settlement_totals as (

    select
        machine_id,
        payment_method_id,
        payment_type,
        period_ends_on,
        sum(payment_fee) as exact_fee
    from sales
    group by machine_id, payment_method_id, payment_type, period_ends_on

),

fee_shares as (

    select
        machine_id,
        {{ month_of('period_ends_on') }} as business_date,
        {{ share_to_the_yen(
            'exact_fee', partition_by='payment_method_id, payment_type, period_ends_on', order_by='machine_id'
        ) }} as payment_fee
    from settlement_totals

),

machine_fees as (

    select
        machine_id,
        business_date,
        sum(payment_fee) as payment_fee
    from fee_shares
    group by machine_id, business_date

),

machine_waste as (

    select
        machine_id,
        business_date,
        {{ round_yen('sum(waste_cost_without_tax)') }} as waste_cost_without_tax,
        sum(units_without_cost) as units_without_cost
    from waste
    group by machine_id, business_date

),

cost_totals as (

    select
        machine_months.*,
        coalesce(machine_taxes.tax_amount, 0) as tax_amount,
        machine_months.sales_with_tax - coalesce(machine_taxes.tax_amount, 0) as sales_without_tax,
        {{ round_yen('machine_months.exact_commission') }} as site_commission,
        coalesce(machine_fees.payment_fee, 0) as payment_fee,
        coalesce(machine_waste.waste_cost_without_tax, 0) as waste_cost_without_tax,
        machine_months.visits * {{ var('visit_cost_yen') }} as visit_cost_without_tax,
        machine_months.vends_without_margin = 0
        and machine_months.days_without_commission = 0
        and coalesce(machine_waste.units_without_cost, 0) = 0 as is_complete
    from machine_months
    left join machine_taxes
        on
            machine_months.machine_id = machine_taxes.machine_id
            and machine_months.business_date = machine_taxes.business_date
    left join machine_fees
        on
            machine_months.machine_id = machine_fees.machine_id
            and machine_months.business_date = machine_fees.business_date
    left join machine_waste
        on
            machine_months.machine_id = machine_waste.machine_id
            and machine_months.business_date = machine_waste.business_date

),

earnings as (

    select
        *,
        case
            when is_complete
                then
                    sales_without_tax - cost_without_tax - payment_fee - coalesce(site_commission, 0)
                    - waste_cost_without_tax - visit_cost_without_tax
        end as contribution_without_tax
    from cost_totals

),

final as (

    select
        earnings.machine_id,
        earnings.business_date,
        machines.machine_name,
        machines.location_type,
        machines.prefecture,
        machines.route_id,
        cast(earnings.days as bigint) as days,
        cast(earnings.vends as bigint) as vends,
        cast(earnings.units_sold as bigint) as units_sold,
        cast(earnings.sales_with_tax as bigint) as sales_with_tax,
        cast(earnings.tax_amount as bigint) as tax_amount,
        cast(earnings.sales_without_tax as bigint) as sales_without_tax,
        cast(earnings.cost_without_tax as bigint) as cost_without_tax,
        cast(earnings.payment_fee as bigint) as payment_fee,
        cast(earnings.site_commission as bigint) as site_commission,
        cast(earnings.waste_cost_without_tax as bigint) as waste_cost_without_tax,
        cast(earnings.visits as bigint) as visits,
        cast(earnings.visit_cost_without_tax as bigint) as visit_cost_without_tax,
        cast(earnings.contribution_without_tax as bigint) as contribution_without_tax,
        {{ safe_divide('earnings.contribution_without_tax', 'earnings.sales_without_tax') }} as contribution_rate,
        cast(
            row_number() over (
                partition by earnings.business_date
                order by
                    case when earnings.contribution_without_tax is null then 1 else 0 end asc,
                    earnings.contribution_without_tax desc,
                    earnings.machine_id asc
            ) as bigint
        ) as machine_rank,
        cast(earnings.vends_without_margin as bigint) as vends_without_margin,
        earnings.is_complete
    from earnings
    left join machines
        on
            earnings.machine_id = machines.machine_id
            and {{ valid_on('machines', last_day_of_month('earnings.business_date')) }}

)

select * from final
