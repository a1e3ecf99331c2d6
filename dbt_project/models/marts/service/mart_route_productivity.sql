{{ config(materialized='incremental', incremental_strategy='window') }}

with

replenishments as (

    select * from {{ ref('fct_replenishments') }}
    where {{ in_reach('business_date') }}

),

-- No master lists the capacity of a slot, so it is the most that a recent visit left in it.
slot_days as (

    select
        machine_id,
        slot_no,
        business_date,
        {{ month_of('business_date') }} as month_start,
        max(quantity_after) as quantity_after
    from replenishments
    group by machine_id, slot_no, business_date

),

slot_months as (

    select
        machine_id,
        slot_no,
        month_start,
        max(quantity_after) as quantity_after
    from slot_days
    group by machine_id, slot_no, month_start

),

capacities as (

    select
        slot_days.machine_id,
        slot_days.slot_no,
        slot_days.business_date,
        max(slot_days.quantity_after) over (
            partition by slot_days.machine_id, slot_days.slot_no, slot_days.month_start
            order by slot_days.business_date
            rows between unbounded preceding and current row
        ) as filled_this_month,
        coalesce(slot_months.quantity_after, 0) as filled_last_month
    from slot_days
    left join slot_months
        on
            slot_days.machine_id = slot_months.machine_id
            and slot_days.slot_no = slot_months.slot_no
            and {{ month_of('slot_days.month_start - 1') }} = slot_months.month_start

),

visited_slots as (

    select
        coalesce(replenishments.route_id, 'unknown') as route_id,
        replenishments.staff_key,
        replenishments.business_date,
        replenishments.visit_id,
        replenishments.machine_id,
        replenishments.replenished_at,
        replenishments.quantity_added,
        replenishments.quantity_removed,
        replenishments.quantity_after,
        case
            when capacities.filled_last_month > capacities.filled_this_month then capacities.filled_last_month
            else capacities.filled_this_month
        end as capacity
    from replenishments
    inner join capacities
        on
            replenishments.machine_id = capacities.machine_id
            and replenishments.slot_no = capacities.slot_no
            and replenishments.business_date = capacities.business_date
    where {{ in_window('replenishments.business_date') }}

),

route_totals as (

    select
        route_id,
        staff_key,
        business_date,
        count(distinct visit_id) as visits,
        count(distinct machine_id) as machines,
        count(*) as slots_touched,
        sum(quantity_added) as units_loaded,
        sum(quantity_removed) as units_removed,
        sum(quantity_after) as units_left,
        sum(capacity) as capacity,
        min(replenished_at) as first_slot_closed_at,
        max(replenished_at) as last_slot_closed_at
    from visited_slots
    group by route_id, staff_key, business_date

),

final as (

    select
        route_id,
        staff_key,
        business_date,
        cast(visits as bigint) as visits,
        cast(machines as bigint) as machines,
        cast(slots_touched as bigint) as slots_touched,
        cast(units_loaded as bigint) as units_loaded,
        cast(units_removed as bigint) as units_removed,
        {{ safe_divide('units_loaded', 'visits') }} as units_per_visit,
        cast(units_left as bigint) as units_left,
        cast(capacity as bigint) as capacity,
        {{ safe_divide('units_left', 'capacity') }} as fill_rate,
        first_slot_closed_at,
        last_slot_closed_at
    from route_totals

)

select * from final
