{{ config(
    materialized='incremental',
    incremental_strategy='window',
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

    select
        *,
        row_number() over (
            partition by machine_id, slot_no, business_date
            order by replenished_at desc, replenishment_id desc
        ) as nth_last,
        row_number() over (
            partition by machine_id, slot_no, business_date
            order by replenished_at asc, replenishment_id asc
        ) as nth
    from {{ ref('fct_replenishments') }}
    where {{ in_reach('business_date') }}

),

machines as (

    select * from {{ ref('int_machines_versioned') }}

),

-- A day without a single delivery, of whatever machine, has no rows.
delivered_days as (

    select distinct business_date
    from {{ ref('fct_sales') }}
    where {{ in_window('business_date') }}

    union distinct

    select distinct business_date
    from {{ ref('int_vends_failed') }}
    where {{ in_window('business_date') }}

    union distinct

    select distinct business_date
    from {{ ref('fct_replenishments') }}
    where {{ in_window('business_date') }}

),

visited as (

    select
        machine_id,
        slot_no,
        business_date,
        max(case when nth_last = 1 then product_id end) as product_id,
        max(case when nth = 1 then replenished_at end) as first_visit_at,
        max(case when nth = 1 then quantity_before end) as first_counted_units,
        max(case when nth_last = 1 then replenished_at end) as last_visit_at,
        max(case when nth_last = 1 then quantity_before end) as counted_units,
        max(case when nth_last = 1 then quantity_after end) as units_left,
        max(quantity_after) as most_units,
        sum(quantity_added) as units_added,
        sum(quantity_removed) as units_removed
    from counts
    group by machine_id, slot_no, business_date

),

sold as (

    select
        vends.machine_id,
        vends.slot_no,
        vends.business_date,
        max(vends.product_id) as product_id,
        min(vends.sold_at) as first_sold_at,
        max(vends.sold_at) as last_sold_at,
        sum(vends.units_sold) as units_sold,
        sum(case when vends.sold_at > visited.last_visit_at then vends.units_sold else 0 end) as units_sold_after_visit
    from vends
    left join visited
        on
            vends.machine_id = visited.machine_id
            and vends.slot_no = visited.slot_no
            and vends.business_date = visited.business_date
    group by vends.machine_id, vends.slot_no, vends.business_date

),

moved as (

    select
        coalesce(visited.machine_id, sold.machine_id) as machine_id,
        coalesce(visited.slot_no, sold.slot_no) as slot_no,
        coalesce(visited.business_date, sold.business_date) as business_date,
        coalesce(visited.product_id, sold.product_id) as product_id,
        coalesce(sold.units_sold, 0) as units_sold,
        coalesce(visited.units_added, 0) as units_added,
        coalesce(visited.units_removed, 0) as units_removed,
        visited.counted_units,
        visited.most_units,
        visited.last_visit_at,
        sold.last_sold_at,
        visited.units_left - coalesce(sold.units_sold_after_visit, 0) as units_left,
        visited.first_counted_units = 0
        and (sold.first_sold_at is null or sold.first_sold_at > visited.first_visit_at) as was_found_empty
    from visited
    full outer join sold
        on
            visited.machine_id = sold.machine_id
            and visited.slot_no = sold.slot_no
            and visited.business_date = sold.business_date

),

distanced as (

    select
        *,
        lag(business_date) over (partition by machine_id, slot_no order by business_date) as day_before
    from moved

),

-- How many days a row stands for: until something moves again, at most as long as a count holds. And on how many days
-- up to it the slot had anything to sell: on all since it moved last, but on none before a visit that finds nothing.
lasting as (

    select
        *,
        sum(
            case
                when coalesce(was_found_empty, false) then 1
                else coalesce(business_date - day_before, 1)
            end
        ) over (
            partition by machine_id, slot_no order by business_date
            rows between unbounded preceding and current row
        ) as stocked_so_far,
        coalesce(
            {{ smaller(
                'lead(business_date) over (partition by machine_id, slot_no order by business_date) - business_date',
                days_before() ~ ' + 1'
            ) }},
            {{ days_before() }} + 1
        ) as days_lasting
    from distanced

),

numbers as (

    {{ numbers(days_before()) }}

),

-- The pairs, so that what follows is joined by what is equal: a range would hold every row against every number.
days_ahead as (

    select
        lengths.number + 1 as days_lasting,
        numbers.number as days_later
    from numbers as lengths
    inner join numbers
        on lengths.number >= numbers.number

),

slot_days as (

    select
        lasting.machine_id,
        lasting.slot_no,
        lasting.product_id,
        lasting.business_date + days_ahead.days_later as business_date,
        case when days_ahead.days_later = 0 then lasting.business_date end as moved_on,
        case when days_ahead.days_later = 0 then lasting.stocked_so_far end as stocked_so_far,
        case when days_ahead.days_later = 0 then lasting.units_sold else 0 end as units_sold,
        case when days_ahead.days_later = 0 then lasting.units_added else 0 end as units_added,
        case when days_ahead.days_later = 0 then lasting.units_removed else 0 end as units_removed,
        case when days_ahead.days_later = 0 then lasting.counted_units end as counted_units,
        case when days_ahead.days_later = 0 then lasting.most_units end as most_units,
        case when days_ahead.days_later = 0 then lasting.units_left end as units_left,
        case when days_ahead.days_later = 0 then lasting.last_visit_at end as last_visit_at,
        case when days_ahead.days_later = 0 then lasting.last_sold_at end as last_sold_at
    from lasting
    inner join days_ahead
        on lasting.days_lasting = days_ahead.days_lasting

),

running as (

    select
        *,
        max(case when units_left is not null then business_date end) over (
            partition by machine_id, slot_no order by business_date
            rows between unbounded preceding and current row
        ) as last_counted_on,
        sum(units_sold) over (
            partition by machine_id, slot_no order by business_date
            rows between unbounded preceding and current row
        ) as sold_so_far,
        max(most_units) over (
            partition by machine_id, slot_no order by business_date
            rows between {{ days_before() }} preceding and current row
        ) as capacity,
        sum(units_sold) over (
            partition by machine_id, slot_no order by business_date
            rows between 27 preceding and current row
        ) as sold_in_four_weeks,
        max(moved_on) over (
            partition by machine_id, slot_no order by business_date
            rows between 27 preceding and current row
        ) as last_moved_on,
        min(stocked_so_far) over (
            partition by machine_id, slot_no order by business_date
            rows between 27 preceding and current row
        ) as stocked_at_first,
        max(stocked_so_far) over (
            partition by machine_id, slot_no order by business_date
            rows between 27 preceding and current row
        ) as stocked_at_last
    from slot_days

),

-- What the last count left and what had been sold by then, less what has been sold by now.
levelled as (

    select
        *,
        max(case when business_date = last_counted_on then units_left + sold_so_far end) over (
            partition by machine_id, slot_no, last_counted_on
        ) - sold_so_far as units_estimated
    from running

),

estimated as (

    select
        *,
        -- From the first day of the 28 on which anything moved; of the days since it moved last nothing says otherwise.
        stocked_at_last - stocked_at_first + 1 + (business_date - last_moved_on) as days_stocked,
        case when business_date - last_counted_on <= {{ days_before() }} then units_estimated end as closing_units,
        case
            when
                business_date
                - lag(last_counted_on) over (partition by machine_id, slot_no order by business_date)
                <= {{ days_before() }}
                then lag(units_estimated) over (partition by machine_id, slot_no order by business_date)
        end as opening_units
    from levelled

),

final as (

    select
        estimated.machine_id,
        estimated.slot_no,
        estimated.product_id,
        estimated.business_date,
        machines.route_id,
        cast(estimated.opening_units as bigint) as opening_units,
        cast(estimated.units_sold as bigint) as units_sold,
        cast(estimated.units_added as bigint) as units_added,
        cast(estimated.units_removed as bigint) as units_removed,
        cast(estimated.closing_units as bigint) as closing_units,
        cast(estimated.counted_units as bigint) as counted_units,
        cast(
            case
                when estimated.counted_units is not null
                    then
                        estimated.closing_units
                        - (estimated.opening_units - estimated.units_sold)
                        - (estimated.units_added - estimated.units_removed)
            end as bigint
        ) as drift_units,
        cast(estimated.capacity as bigint) as capacity,
        case
            when estimated.closing_units is not null then {{ safe_divide(
                larger('estimated.closing_units', '0') ~ ' * estimated.days_stocked', 'estimated.sold_in_four_weeks'
            ) }}
        end as days_of_cover,
        coalesce(estimated.closing_units < 0, false) as is_negative,
        case when estimated.closing_units is not null then estimated.last_counted_on end as last_counted_on,
        estimated.last_visit_at,
        estimated.last_sold_at
    from estimated
    inner join delivered_days
        on estimated.business_date = delivered_days.business_date
    left join machines
        on
            estimated.machine_id = machines.machine_id
            and {{ valid_on('machines', 'estimated.business_date') }}
    where
        {{ in_window('estimated.business_date') }}
        and (machines.removed_on is null or estimated.business_date <= machines.removed_on)

)

select * from final
