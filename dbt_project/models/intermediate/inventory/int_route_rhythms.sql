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

usual_days as (

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

-- Who puts up a machine or takes one away comes when that is to be, also on a day on which the route does not drive.
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

routes_seen as (

    select distinct
        route_id,
        business_date
    from machine_days

),

routes as (

    select
        routes_seen.route_id,
        delivered_days.business_date,
        min(routes_seen.business_date) as seen_since
    from delivered_days
    inner join routes_seen
        on
            delivered_days.business_date >= routes_seen.business_date
            and delivered_days.business_date - {{ days_before() }} <= routes_seen.business_date
    where {{ in_window('delivered_days.business_date') }}
    group by routes_seen.route_id, delivered_days.business_date

),

counted as (

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
        on delivered_days.business_date between routes.seen_since and routes.business_date
    left join route_days
        on
            routes.route_id is not distinct from route_days.route_id
            and delivered_days.business_date = route_days.business_date
    group by routes.route_id, routes.business_date

),

-- A day off is a weekday on which the route never drove, though it should have on some if it were a day as any other.
learned as (

    select
        {%- for weekday in range(1, 8) %}
            case
                when counted.driven_{{ weekday }} > 0 then 1
                when
                    counted.known_{{ weekday }} * counted.days_driven
                    >= {{ var('drives_missed_to_believe') }} * counted.days_known
                    then 0
                else usual_days.usual_{{ weekday }}
            end as drives_{{ weekday }},
        {%- endfor %}
        counted.route_id,
        counted.business_date,
        counted.days_known,
        counted.days_driven,
        counted.machines_visited
    from counted
    cross join usual_days

),

waiting as (

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
    from learned

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
    from waiting

)

select * from final
