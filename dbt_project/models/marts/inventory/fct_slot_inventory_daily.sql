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

visits as (

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

sold_days as (

    select
        vends.machine_id,
        vends.slot_no,
        vends.business_date,
        max(vends.product_id) as product_id,
        min(vends.sold_at) as first_sold_at,
        max(vends.sold_at) as last_sold_at,
        sum(vends.units_sold) as units_sold,
        sum(case when vends.sold_at > visits.last_visit_at then vends.units_sold else 0 end) as units_sold_after_visit
    from vends
    left join visits
        on
            vends.machine_id = visits.machine_id
            and vends.slot_no = visits.slot_no
            and vends.business_date = visits.business_date
    group by vends.machine_id, vends.slot_no, vends.business_date

),

movements as (

    select
        coalesce(visits.machine_id, sold_days.machine_id) as machine_id,
        coalesce(visits.slot_no, sold_days.slot_no) as slot_no,
        coalesce(visits.business_date, sold_days.business_date) as business_date,
        coalesce(visits.product_id, sold_days.product_id) as product_id,
        coalesce(sold_days.units_sold, 0) as units_sold,
        coalesce(visits.units_added, 0) as units_added,
        coalesce(visits.units_removed, 0) as units_removed,
        visits.counted_units,
        visits.most_units,
        visits.last_visit_at,
        sold_days.last_sold_at,
        visits.units_left - coalesce(sold_days.units_sold_after_visit, 0) as units_left,
        visits.first_counted_units = 0
        and (sold_days.first_sold_at is null or sold_days.first_sold_at > visits.first_visit_at) as was_found_empty
    from visits
    full outer join sold_days
        on
            visits.machine_id = sold_days.machine_id
            and visits.slot_no = sold_days.slot_no
            and visits.business_date = sold_days.business_date

),

movements_with_next as (

    select
        *,
        lag(business_date) over (partition by machine_id, slot_no order by business_date) as day_before
    from movements

),

-- How many days a row is valid for: until the next movement, at most as long as a count is valid. And on how many days
-- up to it the slot had anything to sell: on all since it moved last, but on none before a visit that finds nothing.
row_lifetimes as (

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
    from movements_with_next

),

numbers as (

    {{ numbers(days_before()) }}

),

-- The pairs, so that the next join is on equality: a range would compare every row with every number.
following_days as (

    select
        lengths.number + 1 as days_lasting,
        numbers.number as days_later
    from numbers as lengths
    inner join numbers
        on lengths.number >= numbers.number

),

slot_days as (

    select
        row_lifetimes.machine_id,
        row_lifetimes.slot_no,
        row_lifetimes.product_id,
        row_lifetimes.business_date + following_days.days_later as business_date,
        case when following_days.days_later = 0 then row_lifetimes.business_date end as moved_on,
        case when following_days.days_later = 0 then row_lifetimes.stocked_so_far end as stocked_so_far,
        case when following_days.days_later = 0 then row_lifetimes.units_sold else 0 end as units_sold,
        case when following_days.days_later = 0 then row_lifetimes.units_added else 0 end as units_added,
        case when following_days.days_later = 0 then row_lifetimes.units_removed else 0 end as units_removed,
        case when following_days.days_later = 0 then row_lifetimes.counted_units end as counted_units,
        case when following_days.days_later = 0 then row_lifetimes.most_units end as most_units,
        case when following_days.days_later = 0 then row_lifetimes.units_left end as units_left,
        case when following_days.days_later = 0 then row_lifetimes.last_visit_at end as last_visit_at,
        case when following_days.days_later = 0 then row_lifetimes.last_sold_at end as last_sold_at
    from row_lifetimes
    inner join following_days
        on row_lifetimes.days_lasting = following_days.days_lasting

),

running_totals as (

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
stock_levels as (

    select
        *,
        max(case when business_date = last_counted_on then units_left + sold_so_far end) over (
            partition by machine_id, slot_no, last_counted_on
        ) - sold_so_far as units_estimated
    from running_totals

),

estimates as (

    select
        *,
        -- From the first day of the 28 on which anything moved; nothing is known about the days after the last one.
        stocked_at_last - stocked_at_first + 1 + (business_date - last_moved_on) as days_stocked,
        case when business_date - last_counted_on <= {{ days_before() }} then units_estimated end as closing_units,
        case
            when
                business_date
                - lag(last_counted_on) over (partition by machine_id, slot_no order by business_date)
                <= {{ days_before() }}
                then lag(units_estimated) over (partition by machine_id, slot_no order by business_date)
        end as opening_units
    from stock_levels

),

final as (

    select
        estimates.machine_id,
        estimates.slot_no,
        estimates.product_id,
        estimates.business_date,
        machines.route_id,
        cast(estimates.opening_units as bigint) as opening_units,
        cast(estimates.units_sold as bigint) as units_sold,
        cast(estimates.units_added as bigint) as units_added,
        cast(estimates.units_removed as bigint) as units_removed,
        cast(estimates.closing_units as bigint) as closing_units,
        cast(estimates.counted_units as bigint) as counted_units,
        cast(
            case
                when estimates.counted_units is not null
                    then
                        estimates.closing_units
                        - (estimates.opening_units - estimates.units_sold)
                        - (estimates.units_added - estimates.units_removed)
            end as bigint
        ) as drift_units,
        cast(estimates.capacity as bigint) as capacity,
        case
            when estimates.closing_units is not null then {{ safe_divide(
                larger('estimates.closing_units', '0') ~ ' * estimates.days_stocked', 'estimates.sold_in_four_weeks'
            ) }}
        end as days_of_cover,
        coalesce(estimates.closing_units < 0, false) as is_negative,
        case when estimates.closing_units is not null then estimates.last_counted_on end as last_counted_on,
        estimates.last_visit_at,
        estimates.last_sold_at
    from estimates
    inner join delivered_days
        on estimates.business_date = delivered_days.business_date
    left join machines
        on
            estimates.machine_id = machines.machine_id
            and {{ valid_on('machines', 'estimates.business_date') }}
    where
        {{ in_window('estimates.business_date') }}
        and (machines.removed_on is null or estimates.business_date <= machines.removed_on)

)

select * from final
