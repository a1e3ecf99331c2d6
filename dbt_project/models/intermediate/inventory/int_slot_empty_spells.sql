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

-- The last day of which anything is known, as far ahead as this looks.
horizons as (

    select
        begun.business_date,
        max(later.business_date) as known_until
    from delivered_days as begun
    inner join delivered_days as later
        on
            begun.business_date <= later.business_date
            and begun.business_date + {{ days_after() }} >= later.business_date
    where {{ in_window('begun.business_date') }}
    group by begun.business_date

),

-- A count found nothing: the slot ran empty before it.
found_empty as (

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

-- The units of the last count were sold, and then more: the slot was filled by a visit that nobody delivered, or
-- what was counted was wrong.
filled_unseen as (

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

-- By what was sold it is empty, and nobody has counted it since.
not_counted as (

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

not_counted_yet as (

    select
        not_counted.machine_id,
        not_counted.slot_no,
        not_counted.product_id,
        not_counted.business_date,
        not_counted.started_at,
        min(case when vends.sold_at > not_counted.started_at then vends.sold_at end) as resumed_at,
        max(case when vends.sold_at = not_counted.started_at then vends.unit_price end) as last_price,
        false as is_counted,
        true as is_onset_known
    from not_counted
    inner join vends
        on
            not_counted.machine_id = vends.machine_id
            and not_counted.slot_no = vends.slot_no
            and not_counted.started_at <= vends.sold_at
            and not_counted.business_date <= vends.business_date
            and not_counted.business_date + {{ days_after() }} >= vends.business_date
    group by
        not_counted.machine_id,
        not_counted.slot_no,
        not_counted.product_id,
        not_counted.business_date,
        not_counted.started_at

),

spells as (

    select * from found_empty

    union all

    select * from filled_unseen

    union all

    select * from not_counted_yet

),

-- With the day on which the machine was taken away, as it was known when the spell was followed no further.
placed as (

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
        horizons.known_until
    from spells
    inner join horizons
        on spells.business_date = horizons.business_date
    left join machines
        on
            spells.machine_id = machines.machine_id
            and {{ valid_on('machines', 'spells.business_date + ' ~ days_after()) }}

),

-- What ends a spell: a visit that puts units in or takes the machine away; or a sale after a count that found nothing
-- and left nothing.
ends as (

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
        placed.machine_id,
        placed.slot_no,
        placed.started_at,
        min(ends.ended_at) as ended_at
    from placed
    inner join ends
        on
            placed.machine_id = ends.machine_id
            and placed.slot_no = ends.slot_no
            and placed.started_at < ends.ended_at
            and placed.business_date <= ends.business_date
            and placed.business_date + {{ days_after() }} >= ends.business_date
            and (ends.is_filled or placed.removed_on <= ends.business_date)
    group by placed.machine_id, placed.slot_no, placed.started_at

),

ended as (

    select
        placed.machine_id,
        placed.slot_no,
        placed.product_id,
        placed.business_date,
        placed.started_at,
        placed.last_price,
        placed.is_onset_known,
        placed.is_counted or placed.resumed_at is null as is_confirmed,
        coalesce(
            placed.resumed_at,
            first_ends.ended_at,
            case
                when placed.removed_on between placed.business_date and placed.known_until
                    then cast(placed.removed_on + 1 as timestamp)
            end
        ) as ended_at,
        cast(placed.known_until + 1 as timestamp) as known_until
    from placed
    left join first_ends
        on
            placed.machine_id = first_ends.machine_id
            and placed.slot_no = first_ends.slot_no
            and placed.started_at = first_ends.started_at

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
    from ended

)

select * from final
