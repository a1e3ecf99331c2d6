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

sold as (

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

failed as (

    select
        machine_id,
        business_date,
        count(*) as failed_attempts
    from failed_vends
    group by machine_id, business_date

),

restocked as (

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
    from sold

    union distinct

    select
        machine_id,
        business_date
    from failed

    union distinct

    select
        machine_id,
        business_date
    from restocked

),

final as (

    select
        machine_days.machine_id,
        machine_days.business_date,
        machines.machine_name,
        machines.location_type,
        machines.prefecture,
        machines.route_id,
        cast(coalesce(sold.vends, 0) as bigint) as vends,
        cast(coalesce(failed.failed_attempts, 0) as bigint) as failed_attempts,
        cast(coalesce(sold.refunds, 0) as bigint) as refunds,
        cast(coalesce(sold.units_sold, 0) as bigint) as units_sold,
        cast(coalesce(sold.sales_with_tax, 0) as bigint) as sales_with_tax,
        cast(coalesce(sold.cash_sales_with_tax, 0) as bigint) as cash_sales_with_tax,
        cast(coalesce(sold.sales_without_tax, 0) as decimal(18, 6)) as sales_without_tax,
        cast(coalesce(sold.payment_fee, 0) as decimal(18, 4)) as payment_fee,
        cast(coalesce(sold.net_sales_without_tax, 0) as decimal(18, 6)) as net_sales_without_tax,
        cast(coalesce(sold.cost_without_tax, 0) as decimal(18, 6)) as cost_without_tax,
        cast(coalesce(sold.margin_without_tax, 0) as decimal(18, 6)) as margin_without_tax,
        {{ safe_divide('sold.margin_without_tax', 'sold.sales_with_margin') }} as margin_rate_without_tax,
        cast(coalesce(sold.vends_without_margin, 0) as bigint) as vends_without_margin,
        cast(coalesce(restocked.visits, 0) as bigint) as visits,
        cast(coalesce(restocked.units_restocked, 0) as bigint) as units_restocked,
        cast(coalesce(restocked.units_removed, 0) as bigint) as units_removed,
        cast(coalesce(restocked.removed_cost_without_tax, 0) as decimal(18, 6)) as removed_cost_without_tax,
        cast(coalesce(restocked.cash_collected, 0) as bigint) as cash_collected,
        machines.machine_id is not null as is_known_machine
    from machine_days
    left join sold
        on
            machine_days.machine_id = sold.machine_id
            and machine_days.business_date = sold.business_date
    left join failed
        on
            machine_days.machine_id = failed.machine_id
            and machine_days.business_date = failed.business_date
    left join restocked
        on
            machine_days.machine_id = restocked.machine_id
            and machine_days.business_date = restocked.business_date
    left join machines
        on
            machine_days.machine_id = machines.machine_id
            and {{ valid_on('machines', 'machine_days.business_date') }}

)

select * from final
