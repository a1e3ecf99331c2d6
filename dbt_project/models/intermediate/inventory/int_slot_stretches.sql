{{ config(
    materialized='incremental',
    incremental_strategy='window',
    on_schema_change='append_new_columns',
    meta={'reach': {'days_before': var('days_a_count_holds')}}
) }}

with

vends as (

    select * from {{ ref('fct_sales') }}
    where
        {{ in_reach('business_date') }}
        and status = 'completed'

),

counts as (

    select * from {{ ref('fct_replenishments') }}
    where {{ in_reach('business_date') }}

),

events as (

    select
        machine_id,
        slot_no,
        product_id,
        business_date,
        sold_at as happened_at,
        0 as is_count,
        transaction_id as event_id,
        units_sold,
        unit_price,
        null as quantity_before,
        null as quantity_after
    from vends

    union all

    select
        machine_id,
        slot_no,
        product_id,
        business_date,
        replenished_at as happened_at,
        1 as is_count,
        replenishment_id as event_id,
        0 as units_sold,
        null as unit_price,
        quantity_before,
        quantity_after
    from counts

),

-- A vend in the second of a count came before it: no one can buy while the door is open.
numbered_events as (

    select
        *,
        sum(is_count) over (
            partition by machine_id, slot_no order by happened_at, is_count, event_id
            rows between unbounded preceding and current row
        ) as stretch_number
    from events

),

running_totals as (

    select
        *,
        max(quantity_after) over (partition by machine_id, slot_no, stretch_number) as units_at_start,
        sum(units_sold) over (
            partition by machine_id, slot_no, stretch_number order by happened_at, is_count, event_id
            rows between unbounded preceding and current row
        ) as sold_so_far,
        lead(happened_at) over (
            partition by machine_id, slot_no, stretch_number order by happened_at, is_count, event_id
        ) is null as is_last
    from numbered_events

),

stretches as (

    select
        machine_id,
        slot_no,
        stretch_number,
        max(units_at_start) as units_at_start,
        sum(units_sold) as units_sold,
        max(case when is_count = 1 then event_id end) as count_id,
        max(case when is_count = 1 then happened_at end) as began_at,
        max(case when is_count = 1 then business_date end) as began_on,
        max(case when is_count = 1 then product_id end) as product_at_start,
        max(case when is_count = 1 then quantity_before end) as counted_units,
        min(case when is_count = 0 then happened_at end) as first_vend_at,
        max(case when is_count = 0 and is_last then happened_at end) as last_vend_at,
        max(case when is_count = 0 and is_last then business_date end) as last_vend_on,
        max(case when is_count = 0 and is_last then product_id end) as product_at_end,
        max(case when is_count = 0 and is_last then unit_price end) as last_price,
        min(case when is_count = 0 and sold_so_far >= units_at_start then happened_at end) as used_up_at,
        min(case when is_count = 0 and sold_so_far >= units_at_start then business_date end) as used_up_on,
        min(case when is_count = 0 and sold_so_far - units_sold >= units_at_start then happened_at end) as resumed_at
    from running_totals
    group by machine_id, slot_no, stretch_number

),

-- A stretch ends with the count that the next one begins with.
finished_stretches as (

    select
        machine_id,
        slot_no,
        units_at_start,
        units_sold,
        began_at,
        began_on,
        product_at_start,
        first_vend_at,
        last_vend_at,
        last_vend_on,
        product_at_end,
        last_price,
        used_up_at,
        used_up_on,
        resumed_at,
        lead(count_id) over (partition by machine_id, slot_no order by stretch_number) as replenishment_id,
        lead(began_at) over (partition by machine_id, slot_no order by stretch_number) as ended_at,
        lead(began_on) over (partition by machine_id, slot_no order by stretch_number) as business_date,
        lead(counted_units) over (partition by machine_id, slot_no order by stretch_number) as counted_units
    from stretches

),

-- What is older than a count is valid counts as unknown, even where the rows are there.
stretches_in_reach as (

    select
        machine_id,
        slot_no,
        business_date,
        replenishment_id,
        ended_at,
        counted_units,
        case when business_date - began_on <= {{ days_before() }} then began_at end as began_at,
        case when business_date - began_on <= {{ days_before() }} then began_on end as began_on,
        case when business_date - began_on <= {{ days_before() }} then units_at_start end as units_at_start,
        case when business_date - began_on <= {{ days_before() }} then units_sold end as units_sold,
        case when business_date - began_on <= {{ days_before() }} then first_vend_at end as first_vend_at,
        case when business_date - began_on <= {{ days_before() }} then used_up_at end as used_up_at,
        case when business_date - began_on <= {{ days_before() }} then used_up_on end as used_up_on,
        case when business_date - began_on <= {{ days_before() }} then resumed_at end as resumed_at,
        case when business_date - last_vend_on <= {{ days_before() }} then last_vend_at end as last_vend_at,
        case when business_date - last_vend_on <= {{ days_before() }} then last_vend_on end as last_vend_on,
        case when business_date - last_vend_on <= {{ days_before() }} then last_price end as last_price,
        case
            when business_date - began_on <= {{ days_before() }} then product_at_start
            when business_date - last_vend_on <= {{ days_before() }} then product_at_end
        end as product_id
    from finished_stretches
    where
        ended_at is not null
        and {{ in_window('business_date') }}

),

-- A slot is empty from its last vend on. Where fewer were sold than there were, a file with the others did not come:
-- that vend is the last that is known, and what is not balanced is not certain.
final as (

    select
        machine_id,
        slot_no,
        product_id,
        business_date,
        replenishment_id,
        began_at,
        units_at_start,
        cast(units_sold as bigint) as units_sold,
        first_vend_at,
        ended_at,
        counted_units,
        coalesce(units_at_start - units_sold = counted_units, false) as is_balanced,
        last_price,
        used_up_at,
        used_up_on,
        resumed_at,
        case
            when counted_units > 0 or (units_at_start = 0 and units_sold = 0)
                then null
            else coalesce(last_vend_at, began_at)
        end as empty_at,
        case
            when counted_units > 0 or (units_at_start = 0 and units_sold = 0)
                then null
            else coalesce(last_vend_on, began_on)
        end as empty_on
    from stretches_in_reach
    where began_at is not null or last_vend_at is not null

)

select * from final
