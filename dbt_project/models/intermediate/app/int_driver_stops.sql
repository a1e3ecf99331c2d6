with

check_ins as (

    select * from {{ ref('stg_app__check_ins') }}

),

photo_counts as (

    select
        check_in_id,
        count(*) as photos
    from {{ ref('stg_app__photos') }}
    group by check_in_id

),

visits as (

    select
        visit_id,
        business_date,
        machine_id,
        staff_id,
        min(replenished_at) as first_filled_at,
        count(*) as slots_filled,
        cast(sum(quantity_added) as bigint) as units_added
    from {{ ref('stg_vending__replenishments') }}
    group by visit_id, business_date, machine_id, staff_id

),

candidate_pairs as (

    select
        check_ins.check_in_id,
        visits.visit_id,
        abs(datediff('second', visits.first_filled_at, check_ins.arrived_at)) as seconds_apart
    from check_ins
    inner join visits
        on
            check_ins.machine_id = visits.machine_id
            and check_ins.staff_id = visits.staff_id
    where
        abs(datediff('second', visits.first_filled_at, check_ins.arrived_at)) <= 60 * {{ var('minutes_of_a_visit') }}

),

ranked_pairs as (

    select
        check_in_id,
        visit_id,
        row_number() over (partition by check_in_id order by seconds_apart, visit_id) as nearest_visit,
        row_number() over (partition by visit_id order by seconds_apart, check_in_id) as nearest_check_in
    from candidate_pairs

),

pairs as (

    select
        check_in_id,
        visit_id
    from ranked_pairs
    where nearest_visit = 1 and nearest_check_in = 1

),

checked_in as (

    select
        check_ins.check_in_id,
        pairs.visit_id,
        check_ins.business_date,
        check_ins.machine_id,
        check_ins.staff_id,
        check_ins.arrived_at,
        check_ins.left_at,
        visits.first_filled_at,
        visits.slots_filled,
        visits.units_added
    from check_ins
    left join pairs
        on check_ins.check_in_id = pairs.check_in_id
    left join visits
        on pairs.visit_id = visits.visit_id

),

not_checked_in as (

    select
        cast(null as varchar) as check_in_id,
        visits.visit_id,
        visits.business_date,
        visits.machine_id,
        visits.staff_id,
        cast(null as timestamp) as arrived_at,
        cast(null as timestamp) as left_at,
        visits.first_filled_at,
        visits.slots_filled,
        visits.units_added
    from visits
    left join pairs
        on visits.visit_id = pairs.visit_id
    where pairs.visit_id is null

),

all_stops as (

    select * from checked_in

    union all

    select * from not_checked_in

),

final as (

    select
        coalesce(all_stops.visit_id, all_stops.check_in_id) as stop_id,
        all_stops.business_date,
        all_stops.machine_id,
        all_stops.staff_id,
        all_stops.check_in_id,
        all_stops.visit_id,
        all_stops.arrived_at,
        all_stops.left_at,
        all_stops.first_filled_at,
        coalesce(all_stops.slots_filled, 0) as slots_filled,
        coalesce(all_stops.units_added, 0) as units_added,
        coalesce(photo_counts.photos, 0) as photos
    from all_stops
    left join photo_counts
        on all_stops.check_in_id = photo_counts.check_in_id

)

select * from final
