{{ config(
    materialized='incremental',
    incremental_strategy='window',
    on_schema_change='append_new_columns',
    meta={'reach': {'days_before': var('days_a_count_holds')}}
) }}

with

said as (

    select * from {{ ref('mart_machine_daily') }}
    where {{ in_reach('business_date') }}

),

machines as (

    select * from {{ ref('int_machines_versioned') }}

),

delivered_days as (

    select distinct business_date
    from said

),

-- A machine has a row on every day on which any machine delivered, until it has been silent for too long.
machine_days as (

    select
        seen.machine_id,
        delivered_days.business_date,
        max(case when seen.business_date = delivered_days.business_date then seen.units_sold else 0 end) as units_sold
    from delivered_days
    inner join said as seen
        on
            delivered_days.business_date >= seen.business_date
            and delivered_days.business_date - {{ days_before() }} <= seen.business_date
    group by seen.machine_id, delivered_days.business_date

),

numbered as (

    select
        machine_days.machine_id,
        machine_days.business_date,
        machine_days.units_sold,
        machines.route_id,
        {{ day_number('machine_days.business_date') }} as day_number,
        {{ weekday_number('machine_days.business_date') }} as weekday
    from machine_days
    left join machines
        on
            machine_days.machine_id = machines.machine_id
            and {{ was_valid('machines', 'machine_days.business_date') }}

),

-- Of the four weeks up to the day, by weekday; a day on which the machine sold nothing tells nothing.
weekdays as (

    select
        machine_id,
        business_date,
        route_id,
        {%- for weekday in range(1, 8) %}
            sum(case when weekday = {{ weekday }} then units_sold else 0 end)
                over ({{ last_days(28, 'machine_id') }}) as sold_{{ weekday }},
            sum(case when weekday = {{ weekday }} and units_sold > 0 then 1 else 0 end)
                over ({{ last_days(28, 'machine_id') }}) as days_{{ weekday }},
        {%- endfor %}
        sum(units_sold) over ({{ last_days(28, 'machine_id') }}) as units_sold,
        sum(case when units_sold > 0 then 1 else 0 end) over ({{ last_days(28, 'machine_id') }}) as days_sold
    from numbered

),

visited as (

    select
        weekdays.machine_id,
        weekdays.business_date,
        count(*) as visit_days,
        min(said.business_date) as first_visit_on,
        max(said.business_date) as last_visit_on
    from weekdays
    inner join said
        on
            weekdays.machine_id = said.machine_id
            and weekdays.business_date >= said.business_date
            and weekdays.business_date - {{ days_before() }} <= said.business_date
    where
        {{ in_window('weekdays.business_date') }}
        and said.visits > 0
    group by weekdays.machine_id, weekdays.business_date

),

-- How many machines a route visits on a day on which it visits any.
route_days as (

    select
        route_id,
        business_date,
        count(*) as machines_visited
    from said
    where visits > 0
    group by route_id, business_date

),

routes as (

    select
        delivered_days.business_date,
        route_days.route_id,
        {{ safe_divide('sum(route_days.machines_visited)', 'count(*)') }} as route_visits_a_day
    from delivered_days
    inner join route_days
        on
            delivered_days.business_date >= route_days.business_date
            and delivered_days.business_date - {{ days_before() }} <= route_days.business_date
    where {{ in_window('delivered_days.business_date') }}
    group by delivered_days.business_date, route_days.route_id

),

gaps as (

    select
        weekdays.*,
        routes.route_visits_a_day,
        visited.last_visit_on,
        case
            when visited.visit_days >= 2
                then cast(
                    round({{ safe_divide(
                        'visited.last_visit_on - visited.first_visit_on', 'visited.visit_days - 1'
                    ) }}, 0) as integer
                )
            else {{ var('days_between_visits') }}
        end as days_between_visits
    from weekdays
    left join visited
        on
            weekdays.machine_id = visited.machine_id
            and weekdays.business_date = visited.business_date
    left join routes
        on
            weekdays.route_id is not distinct from routes.route_id
            and weekdays.business_date = routes.business_date
    where {{ in_window('weekdays.business_date') }}

),

-- Who is due tomorrow, or should have been visited before, and is not visited then, waits for another round.
rounds as (

    select
        *,
        {{ days_later('last_visit_on', 'days_between_visits') }} as due_on,
        {{ days_later('business_date + 1', 'days_between_visits') }} as round_after_on
    from gaps

),

planned as (

    select
        *,
        case when due_on > business_date + 1 then due_on else round_after_on end as next_visit_on,
        coalesce(due_on <= business_date + 1, true) as is_due
    from rounds

),

final as (

    select
        machine_id,
        business_date,
        route_id,
        last_visit_on,
        cast(days_between_visits as bigint) as days_between_visits,
        next_visit_on,
        is_due,
        route_visits_a_day,
        {%- for weekday in range(1, 8) %}
            coalesce(
                {{ safe_divide('sold_' ~ weekday ~ ' * days_sold', 'days_' ~ weekday ~ ' * units_sold') }}, 1
            ) as index_{{ weekday }},
        {%- endfor %}
        cast(units_sold as bigint) as units_sold,
        cast(days_sold as bigint) as days_sold
    from planned

)

select * from final
