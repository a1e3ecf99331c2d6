{{ config(
    materialized='incremental',
    incremental_strategy='window',
    on_schema_change='append_new_columns',
    meta={'reach': {'days_before': var('days_a_count_holds')}}
) }}

with

machine_days as (

    select * from {{ ref('mart_machine_daily') }}
    where {{ in_reach('business_date') }}

),

machines as (

    select * from {{ ref('int_machines_versioned') }}

),

usual_weekdays as (

    select
        {%- for weekday in range(1, 8) %}
            max(case when weekday = {{ weekday }} and is_driven then 1 else 0 end) as usual_{{ weekday }},
        {%- endfor %}
        count(*) as weekdays_listed
    from {{ ref('usual_route_days') }}

),

delivered_days as (

    select distinct
        business_date,
        {{ weekday_number('business_date') }} as weekday
    from machine_days

),

-- A machine is installed or removed on any day, also on one on which the route is not driven.
route_days as (

    select
        machine_days.route_id,
        machine_days.business_date,
        count(*) as machines_visited
    from machine_days
    left join machines
        on
            machine_days.machine_id = machines.machine_id
            and {{ valid_on('machines', 'machine_days.business_date') }}
    where
        machine_days.visits > 0
        and machine_days.business_date is distinct from machines.installed_on
        and machine_days.business_date is distinct from machines.removed_on
    group by machine_days.route_id, machine_days.business_date

),

observed_routes as (

    select distinct
        route_id,
        business_date
    from machine_days

),

routes as (

    select
        observed_routes.route_id,
        delivered_days.business_date,
        min(observed_routes.business_date) as observed_since
    from delivered_days
    inner join observed_routes
        on
            delivered_days.business_date >= observed_routes.business_date
            and delivered_days.business_date - {{ days_before() }} <= observed_routes.business_date
    where {{ in_window('delivered_days.business_date') }}
    group by observed_routes.route_id, delivered_days.business_date

),

weekday_counts as (

    select
        routes.route_id,
        routes.business_date,
        {%- for weekday in range(1, 8) %}
            sum(case when delivered_days.weekday = {{ weekday }} then 1 else 0 end) as known_{{ weekday }},
            sum(
                case when delivered_days.weekday = {{ weekday }} and route_days.machines_visited > 0 then 1 else 0 end
            ) as driven_{{ weekday }},
        {%- endfor %}
        count(*) as days_known,
        count(route_days.machines_visited) as days_driven,
        sum(route_days.machines_visited) as machines_visited
    from routes
    inner join delivered_days
        on delivered_days.business_date between routes.observed_since and routes.business_date
    left join route_days
        on
            routes.route_id is not distinct from route_days.route_id
            and delivered_days.business_date = route_days.business_date
    group by routes.route_id, routes.business_date

),

-- A day off is a weekday on which the route never drove, though it should have on some if it were a day as any other.
route_weekdays as (

    select
        {%- for weekday in range(1, 8) %}
            case
                when weekday_counts.driven_{{ weekday }} > 0 then 1
                when
                    weekday_counts.known_{{ weekday }} * weekday_counts.days_driven
                    >= {{ var('drives_missed_to_believe') }} * weekday_counts.days_known
                    then 0
                else usual_weekdays.usual_{{ weekday }}
            end as drives_{{ weekday }},
        {%- endfor %}
        weekday_counts.route_id,
        weekday_counts.business_date,
        weekday_counts.days_known,
        weekday_counts.days_driven,
        weekday_counts.machines_visited
    from weekday_counts
    cross join usual_weekdays

),

days_to_next_drive as (

    select
        {%- for weekday in range(1, 8) %}
            cast(
                case
                    {%- for days in range(7) %}
                        when drives_{{ (weekday - 1 + days) % 7 + 1 }} = 1 then {{ days }}
                    {%- endfor %}
                    else 0
                end as bigint
            ) as days_from_{{ weekday }},
        {%- endfor %}
        route_id,
        business_date,
        days_known,
        days_driven,
        {{ safe_divide('machines_visited', 'days_driven') }} as visits_a_day
    from route_weekdays

),

final as (

    select
        route_id,
        business_date,
        {%- for weekday in range(1, 8) %}
            days_from_{{ weekday }},
        {%- endfor %}
        cast(days_known as bigint) as days_known,
        cast(days_driven as bigint) as days_driven,
        visits_a_day,
        {{ by_weekday('business_date + 1', 'days_from_') }} = 0 as drives_tomorrow
    from days_to_next_drive

)

select * from final
