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

-- The site's owner has a share of what was paid, at the rate of the day; rounded once per machine and day.
worked as (

    select
        machine_days.machine_id,
        {{ month_of('machine_days.business_date') }} as business_date,
        count(*) as days,
        sum(machine_days.vends) as vends,
        sum(machine_days.units_sold) as units_sold,
        sum(machine_days.gross_amount) as gross_amount,
        sum(machine_days.fee_amount) as fee_amount,
        sum(machine_days.cost_amount) as cost_amount,
        sum(machine_days.vends_without_margin) as vends_without_margin,
        sum(machine_days.visits) as visits,
        sum({{ share_of_yen('machine_days.gross_amount', 'machines.commission_rate') }}) as site_commission,
        sum(case when machines.commission_rate is null then 1 else 0 end) as days_without_commission
    from machine_days
    left join machines
        on
            machine_days.machine_id = machines.machine_id
            and {{ was_valid('machines', 'machine_days.business_date') }}
    group by machine_days.machine_id, {{ month_of('machine_days.business_date') }}

),

by_rate as (

    select
        machine_id,
        {{ month_of('business_date') }} as business_date,
        tax_rate,
        sum(gross_amount) as gross_amount
    from sales
    group by machine_id, {{ month_of('business_date') }}, tax_rate

),

taxed as (

    select
        machine_id,
        business_date,
        sum({{ tax_within('gross_amount', 'tax_rate') }}) as tax_amount
    from by_rate
    group by machine_id, business_date

),

wasted as (

    select
        machine_id,
        business_date,
        sum(waste_cost) as waste_cost,
        sum(units_without_cost) as units_without_cost
    from waste
    group by machine_id, business_date

),

valued as (

    select
        worked.*,
        coalesce(taxed.tax_amount, 0) as tax_amount,
        worked.gross_amount - coalesce(taxed.tax_amount, 0) as gross_without_tax,
        coalesce(wasted.waste_cost, 0) as waste_cost,
        worked.visits * {{ var('visit_cost_yen') }} as visit_cost,
        worked.vends_without_margin = 0
        and worked.days_without_commission = 0
        and coalesce(wasted.units_without_cost, 0) = 0 as is_complete
    from worked
    left join taxed
        on
            worked.machine_id = taxed.machine_id
            and worked.business_date = taxed.business_date
    left join wasted
        on
            worked.machine_id = wasted.machine_id
            and worked.business_date = wasted.business_date

),

contributed as (

    select
        *,
        case
            when is_complete
                then
                    gross_without_tax - cost_amount - fee_amount - coalesce(site_commission, 0) - waste_cost
                    - visit_cost
        end as contribution
    from valued

),

final as (

    select
        contributed.machine_id,
        contributed.business_date,
        machines.machine_name,
        machines.location_type,
        machines.prefecture,
        machines.route_id,
        cast(contributed.days as bigint) as days,
        cast(contributed.vends as bigint) as vends,
        cast(contributed.units_sold as bigint) as units_sold,
        cast(contributed.gross_amount as bigint) as gross_amount,
        cast(contributed.tax_amount as bigint) as tax_amount,
        cast(contributed.gross_without_tax as bigint) as gross_without_tax,
        cast(contributed.cost_amount as bigint) as cost_amount,
        cast(contributed.fee_amount as bigint) as fee_amount,
        cast(contributed.site_commission as bigint) as site_commission,
        cast(contributed.waste_cost as bigint) as waste_cost,
        cast(contributed.visits as bigint) as visits,
        cast(contributed.visit_cost as bigint) as visit_cost,
        cast(contributed.contribution as bigint) as contribution,
        {{ safe_divide('contributed.contribution', 'contributed.gross_without_tax') }} as contribution_rate,
        cast(
            row_number() over (
                partition by contributed.business_date
                order by
                    case when contributed.contribution is null then 1 else 0 end asc,
                    contributed.contribution desc,
                    contributed.machine_id asc
            ) as bigint
        ) as machine_rank,
        cast(contributed.vends_without_margin as bigint) as vends_without_margin,
        contributed.is_complete
    from contributed
    left join machines
        on
            contributed.machine_id = machines.machine_id
            and {{ was_valid('machines', last_day_of_month('contributed.business_date')) }}

)

select * from final
