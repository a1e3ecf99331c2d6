{{ config(materialized='incremental', incremental_strategy='window') }}

with

sales as (

    select * from {{ ref('fct_sales') }}
    where {{ in_window('business_date') }}

),

failed_vends as (

    select * from {{ ref('int_vends_failed') }}
    where {{ in_window('business_date') }}

),

replenishments as (

    select * from {{ ref('fct_replenishments') }}
    where {{ in_window('business_date') }}

),

machines as (

    select * from {{ ref('int_machines_versioned') }}

),

sales_sums as (

    select
        machine_id,
        business_date,
        sum(case when status = 'completed' then 1 else 0 end) as vends,
        sum(case when status = 'refunded' then 1 else 0 end) as refunds,
        sum(units_sold) as units_sold,
        sum(sales_with_tax) as sales_with_tax,
        sum(case when payment_type = 'cash' then sales_with_tax else 0 end) as cash_sales_with_tax,
        sum(sales_without_tax) as sales_without_tax,
        sum(payment_fee) as payment_fee,
        sum(net_sales_without_tax) as net_sales_without_tax,
        sum(cost_without_tax) as cost_without_tax,
        sum(margin_without_tax) as margin_without_tax,
        sum(case when margin_without_tax is not null then sales_without_tax end) as sales_with_margin,
        sum(case when margin_without_tax is null then 1 else 0 end) as vends_without_margin
    from sales
    group by machine_id, business_date

),

failed_sums as (

    select
        machine_id,
        business_date,
        count(*) as failed_attempts
    from failed_vends
    group by machine_id, business_date

),

restocking_sums as (

    select
        machine_id,
        business_date,
        count(distinct visit_id) as visits,
        sum(quantity_added) as units_restocked,
        sum(quantity_removed) as units_removed,
        sum(removed_cost_without_tax) as removed_cost_without_tax,
        sum(cash_collected) as cash_collected
    from replenishments
    group by machine_id, business_date

),

machine_days as (

    select
        machine_id,
        business_date
    from sales_sums

    union distinct

    select
        machine_id,
        business_date
    from failed_sums

    union distinct

    select
        machine_id,
        business_date
    from restocking_sums

),

final as (

    select
        machine_days.machine_id,
        machine_days.business_date,
        machines.machine_name,
        machines.location_type,
        machines.prefecture,
        machines.route_id,
        cast(coalesce(sales_sums.vends, 0) as bigint) as vends,
        cast(coalesce(failed_sums.failed_attempts, 0) as bigint) as failed_attempts,
        cast(coalesce(sales_sums.refunds, 0) as bigint) as refunds,
        cast(coalesce(sales_sums.units_sold, 0) as bigint) as units_sold,
        cast(coalesce(sales_sums.sales_with_tax, 0) as bigint) as sales_with_tax,
        cast(coalesce(sales_sums.cash_sales_with_tax, 0) as bigint) as cash_sales_with_tax,
        cast(coalesce(sales_sums.sales_without_tax, 0) as decimal(18, 6)) as sales_without_tax,
        cast(coalesce(sales_sums.payment_fee, 0) as decimal(18, 4)) as payment_fee,
        cast(coalesce(sales_sums.net_sales_without_tax, 0) as decimal(18, 6)) as net_sales_without_tax,
        cast(coalesce(sales_sums.cost_without_tax, 0) as decimal(18, 6)) as cost_without_tax,
        cast(coalesce(sales_sums.margin_without_tax, 0) as decimal(18, 6)) as margin_without_tax,
        {{ safe_divide('sales_sums.margin_without_tax', 'sales_sums.sales_with_margin') }} as margin_rate_without_tax,
        cast(coalesce(sales_sums.vends_without_margin, 0) as bigint) as vends_without_margin,
        cast(coalesce(restocking_sums.visits, 0) as bigint) as visits,
        cast(coalesce(restocking_sums.units_restocked, 0) as bigint) as units_restocked,
        cast(coalesce(restocking_sums.units_removed, 0) as bigint) as units_removed,
        cast(coalesce(restocking_sums.removed_cost_without_tax, 0) as decimal(18, 6)) as removed_cost_without_tax,
        cast(coalesce(restocking_sums.cash_collected, 0) as bigint) as cash_collected,
        machines.machine_id is not null as is_known_machine
    from machine_days
    left join sales_sums
        on
            machine_days.machine_id = sales_sums.machine_id
            and machine_days.business_date = sales_sums.business_date
    left join failed_sums
        on
            machine_days.machine_id = failed_sums.machine_id
            and machine_days.business_date = failed_sums.business_date
    left join restocking_sums
        on
            machine_days.machine_id = restocking_sums.machine_id
            and machine_days.business_date = restocking_sums.business_date
    left join machines
        on
            machine_days.machine_id = machines.machine_id
            and {{ valid_on('machines', 'machine_days.business_date') }}

)

select * from final
