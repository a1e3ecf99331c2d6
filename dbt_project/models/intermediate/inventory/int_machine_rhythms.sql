{{ config(
    materialized='incremental',
    incremental_strategy='window',
    on_schema_change='append_new_columns',
    meta={'reach': {'days_before': var('days_a_count_holds')}}
) }}

with

machine_daily as (

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
    from machine_daily

),

-- A machine has a row on every day on which any machine delivered, until it has been silent for too long.
machine_days as (

    select
        observed.machine_id,
        delivered_days.business_date,
        max(
            case when observed.business_date = delivered_days.business_date then observed.units_sold else 0 end
        ) as units_sold,
        -- Of days on which the cost of all that was sold is known.
        max(
            case
                when observed.business_date = delivered_days.business_date and observed.vends_without_margin = 0
                    then observed.sales_with_tax
            end
        ) as sales_with_margin,
        max(
            case
                when observed.business_date = delivered_days.business_date and observed.vends_without_margin = 0
                    then observed.margin_without_tax
            end
        ) as margin
    from delivered_days
    inner join machine_daily as observed
        on
            delivered_days.business_date >= observed.business_date
            and delivered_days.business_date - {{ days_before() }} <= observed.business_date
    group by observed.machine_id, delivered_days.business_date

),

machine_days_by_weekday as (

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

-- Of the four weeks up to the day, by weekday; a day on which the machine sold nothing doesn't count.
weekday_sums as (

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
    from machine_days_by_weekday

),

visit_history as (

    select
        weekday_sums.machine_id,
        weekday_sums.business_date,
        count(*) as visit_days,
        min(machine_daily.business_date) as first_visit_on,
        max(machine_daily.business_date) as last_visit_on
    from weekday_sums
    inner join machine_daily
        on
            weekday_sums.machine_id = machine_daily.machine_id
            and weekday_sums.business_date >= machine_daily.business_date
            and weekday_sums.business_date - {{ days_before() }} <= machine_daily.business_date
    where
        {{ in_window('weekday_sums.business_date') }}
        and machine_daily.visits > 0
    group by weekday_sums.machine_id, weekday_sums.business_date

),

visit_gaps as (

    select
        weekday_sums.*,
        visit_history.last_visit_on,
        case
            when visit_history.visit_days >= 2
                then cast(
                    round({{ safe_divide(
                        'visit_history.last_visit_on - visit_history.first_visit_on', 'visit_history.visit_days - 1'
                    ) }}, 0) as integer
                )
            else {{ var('days_between_visits') }}
        end as days_between_visits
    from weekday_sums
    left join visit_history
        on
            weekday_sums.machine_id = visit_history.machine_id
            and weekday_sums.business_date = visit_history.business_date
    where {{ in_window('weekday_sums.business_date') }}

),

-- A machine that is due tomorrow or overdue, and is not visited then, waits for another round.
visit_rounds as (

    select
        *,
        {{ days_later('last_visit_on', 'days_between_visits') }} as due_on,
        {{ days_later('business_date + 1', 'days_between_visits') }} as round_after_on
    from visit_gaps

),

planned_visits as (

    select
        *,
        case when due_on > business_date + 1 then due_on else round_after_on end as planned_on,
        coalesce(due_on <= business_date + 1, true) as is_due
    from visit_rounds

),

-- A visit that falls on a day off of the route is made on the next day on which it drives; so is one due tomorrow.
next_visits as (

    select
        planned_visits.*,
        case
            when planned_visits.due_on <= planned_visits.business_date + 1 and not routes.drives_tomorrow
                then {{ next_route_day('routes', 'planned_visits.business_date + 1') }}
            else coalesce({{ next_route_day('routes', 'planned_visits.planned_on') }}, planned_visits.planned_on)
        end as next_visit_on
    from planned_visits
    left join routes
        on
            planned_visits.route_id is not distinct from routes.route_id
            and planned_visits.business_date = routes.business_date

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
    from next_visits

)

select * from final
