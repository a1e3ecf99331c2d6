{{ config(
    materialized='incremental',
    incremental_strategy='window',
    on_schema_change='append_new_columns',
    meta={'reach': {'days_after': var('days_a_stockout_is_followed')}}
) }}

with

stretches as (

    select * from {{ ref('int_slot_stretches') }}
    where {{ in_reach('business_date') }}

),

inventory as (

    select * from {{ ref('fct_slot_inventory_daily') }}
    where {{ in_window('business_date') }}

),

vends as (

    select * from {{ ref('fct_sales') }}
    where
        {{ in_reach('business_date') }}
        and status = 'completed'

),

visits as (

    select * from {{ ref('fct_replenishments') }}
    where {{ in_reach('business_date') }}

),

machines as (

    select * from {{ ref('int_machines_versioned') }}

),

delivered_days as (

    select distinct business_date
    from {{ ref('fct_sales') }}
    where {{ in_reach('business_date') }}

    union distinct

    select distinct business_date
    from {{ ref('int_vends_failed') }}
    where {{ in_reach('business_date') }}

    union distinct

    select distinct business_date
    from {{ ref('fct_replenishments') }}
    where {{ in_reach('business_date') }}

),

-- The last day with any delivery, within the days that this model reads ahead.
last_known_days as (

    select
        start_days.business_date,
        max(later.business_date) as known_until
    from delivered_days as start_days
    inner join delivered_days as later
        on
            start_days.business_date <= later.business_date
            and start_days.business_date + {{ days_after() }} >= later.business_date
    where {{ in_window('start_days.business_date') }}
    group by start_days.business_date

),

-- A count found nothing: the slot ran empty before it.
spells_by_count as (

    select
        machine_id,
        slot_no,
        product_id,
        empty_on as business_date,
        empty_at as started_at,
        cast(null as timestamp) as resumed_at,
        last_price,
        true as is_counted,
        is_balanced as is_onset_known
    from stretches
    where {{ in_window('empty_on') }}

),

-- The units of the last count were sold, and then more: the slot was filled in a visit without a delivered record, or
-- the count was wrong.
spells_by_extra_sales as (

    select
        machine_id,
        slot_no,
        product_id,
        used_up_on as business_date,
        used_up_at as started_at,
        resumed_at,
        last_price,
        false as is_counted,
        true as is_onset_known
    from stretches
    where
        {{ in_window('used_up_on') }}
        and units_at_start > 0
        and resumed_at is not null

),

-- By the units sold it is empty, and there was no count since.
uncounted_slots as (

    select
        inventory.machine_id,
        inventory.slot_no,
        inventory.product_id,
        inventory.business_date,
        inventory.last_sold_at as started_at
    from inventory
    left join stretches
        on
            inventory.machine_id = stretches.machine_id
            and inventory.slot_no = stretches.slot_no
            and inventory.last_sold_at <= stretches.ended_at
            and stretches.business_date - inventory.business_date <= {{ days_after() }}
    where
        inventory.closing_units = 0
        and inventory.units_sold > 0
        and (inventory.last_visit_at is null or inventory.last_sold_at > inventory.last_visit_at)
        and stretches.machine_id is null

),

spells_by_sales as (

    select
        uncounted_slots.machine_id,
        uncounted_slots.slot_no,
        uncounted_slots.product_id,
        uncounted_slots.business_date,
        uncounted_slots.started_at,
        min(case when vends.sold_at > uncounted_slots.started_at then vends.sold_at end) as resumed_at,
        max(case when vends.sold_at = uncounted_slots.started_at then vends.unit_price end) as last_price,
        false as is_counted,
        true as is_onset_known
    from uncounted_slots
    inner join vends
        on
            uncounted_slots.machine_id = vends.machine_id
            and uncounted_slots.slot_no = vends.slot_no
            and uncounted_slots.started_at <= vends.sold_at
            and uncounted_slots.business_date <= vends.business_date
            and uncounted_slots.business_date + {{ days_after() }} >= vends.business_date
    group by
        uncounted_slots.machine_id,
        uncounted_slots.slot_no,
        uncounted_slots.product_id,
        uncounted_slots.business_date,
        uncounted_slots.started_at

),

spells as (

    select * from spells_by_count

    union all

    select * from spells_by_extra_sales

    union all

    select * from spells_by_sales

),

-- With the day on which the machine was taken away, as it was known when the spell was followed no further.
machine_spells as (

    select
        spells.machine_id,
        spells.slot_no,
        spells.product_id,
        spells.business_date,
        spells.started_at,
        spells.resumed_at,
        spells.last_price,
        spells.is_counted,
        spells.is_onset_known,
        machines.removed_on,
        last_known_days.known_until
    from spells
    inner join last_known_days
        on spells.business_date = last_known_days.business_date
    left join machines
        on
            spells.machine_id = machines.machine_id
            and {{ valid_on('machines', 'spells.business_date + ' ~ days_after()) }}

),

-- What ends a spell: a visit that puts units in or takes the machine away; or a sale after a count that found nothing
-- and left nothing.
possible_ends as (

    select
        machine_id,
        slot_no,
        business_date,
        replenished_at as ended_at,
        quantity_added > 0 as is_filled
    from visits

    union all

    select
        machine_id,
        slot_no,
        business_date,
        first_vend_at as ended_at,
        true as is_filled
    from stretches
    where
        units_at_start = 0
        and units_sold > 0

),

first_ends as (

    select
        machine_spells.machine_id,
        machine_spells.slot_no,
        machine_spells.started_at,
        min(possible_ends.ended_at) as ended_at
    from machine_spells
    inner join possible_ends
        on
            machine_spells.machine_id = possible_ends.machine_id
            and machine_spells.slot_no = possible_ends.slot_no
            and machine_spells.started_at < possible_ends.ended_at
            and machine_spells.business_date <= possible_ends.business_date
            and machine_spells.business_date + {{ days_after() }} >= possible_ends.business_date
            and (possible_ends.is_filled or machine_spells.removed_on <= possible_ends.business_date)
    group by machine_spells.machine_id, machine_spells.slot_no, machine_spells.started_at

),

ended_spells as (

    select
        machine_spells.machine_id,
        machine_spells.slot_no,
        machine_spells.product_id,
        machine_spells.business_date,
        machine_spells.started_at,
        machine_spells.last_price,
        machine_spells.is_onset_known,
        machine_spells.is_counted or machine_spells.resumed_at is null as is_confirmed,
        coalesce(
            machine_spells.resumed_at,
            first_ends.ended_at,
            case
                when machine_spells.removed_on between machine_spells.business_date and machine_spells.known_until
                    then cast(machine_spells.removed_on + 1 as timestamp)
            end
        ) as ended_at,
        cast(machine_spells.known_until + 1 as timestamp) as known_until
    from machine_spells
    left join first_ends
        on
            machine_spells.machine_id = first_ends.machine_id
            and machine_spells.slot_no = first_ends.slot_no
            and machine_spells.started_at = first_ends.started_at

),

final as (

    select
        machine_id,
        slot_no,
        product_id,
        business_date,
        started_at,
        ended_at,
        coalesce(ended_at, known_until) as empty_until,
        is_confirmed,
        is_confirmed and is_onset_known as is_certain,
        last_price
    from ended_spells

)

select * from final
