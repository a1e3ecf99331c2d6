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

routes as (

    select * from {{ ref('int_route_rhythms') }}
    where {{ in_window('business_date') }}

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
        max(case when seen.business_date = delivered_days.business_date then seen.units_sold else 0 end) as units_sold,
        -- Of days on which the cost of all that was sold is known.
        max(
            case
                when seen.business_date = delivered_days.business_date and seen.vends_without_margin = 0
                    then seen.sales_with_tax
            end
        ) as sales_with_margin,
        max(
            case
                when seen.business_date = delivered_days.business_date and seen.vends_without_margin = 0
                    then seen.margin_without_tax
            end
        ) as margin
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
        machine_days.sales_with_margin,
        machine_days.margin,
        machines.route_id,
        {{ day_number('machine_days.business_date') }} as day_number,
        {{ weekday_number('machine_days.business_date') }} as weekday
    from machine_days
    left join machines
        on
            machine_days.machine_id = machines.machine_id
            and {{ valid_on('machines', 'machine_days.business_date') }}

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
        sum(case when units_sold > 0 then 1 else 0 end) over ({{ last_days(28, 'machine_id') }}) as days_sold,
        sum(sales_with_margin) over ({{ last_days(28, 'machine_id') }}) as sales_with_margin,
        sum(margin) over ({{ last_days(28, 'machine_id') }}) as margin
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

gaps as (

    select
        weekdays.*,
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
        case when due_on > business_date + 1 then due_on else round_after_on end as planned_on,
        coalesce(due_on <= business_date + 1, true) as is_due
    from rounds

),

-- A visit that falls on a day off of the route is made on the next day on which it drives; so is one due tomorrow.
driven as (

    select
        planned.*,
        case
            when planned.due_on <= planned.business_date + 1 and not routes.drives_tomorrow
                then {{ next_route_day('routes', 'planned.business_date + 1') }}
            else coalesce({{ next_route_day('routes', 'planned.planned_on') }}, planned.planned_on)
        end as next_visit_on
    from planned
    left join routes
        on
            planned.route_id is not distinct from routes.route_id
            and planned.business_date = routes.business_date

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
        {{ safe_divide('margin', 'sales_with_margin') }} as margin_rate,
        {%- for weekday in range(1, 8) %}
            coalesce(
                {{ safe_divide('sold_' ~ weekday ~ ' * days_sold', 'days_' ~ weekday ~ ' * units_sold') }}, 1
            ) as index_{{ weekday }},
        {%- endfor %}
        cast(units_sold as bigint) as units_sold,
        cast(days_sold as bigint) as days_sold
    from driven

)

select * from final
