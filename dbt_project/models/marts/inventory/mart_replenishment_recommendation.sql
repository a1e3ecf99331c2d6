{{ config(materialized='incremental', incremental_strategy='window') }}

with

slots as (

    select * from {{ ref('fct_slot_inventory_daily') }}
    where {{ in_window('business_date') }}

),

velocities as (

    select * from {{ ref('int_slot_velocities') }}
    where {{ in_window('business_date') }}

),

rhythms as (

    select * from {{ ref('int_machine_rhythms') }}
    where {{ in_window('business_date') }}

),

routes as (

    select * from {{ ref('int_route_rhythms') }}
    where {{ in_window('business_date') }}

),

machines_tomorrow as (

    select * from {{ ref('int_machines_tomorrow') }}

),

forecasts as (

    select * from {{ ref('int_forecast_demand') }}
    where {{ in_window('business_date') }}

),

-- A machine that is taken away tomorrow or earlier is not filled; one that is taken away before the next planned
-- visit has to last until then. A machine that no master lists is taken to be where it sells.
machines_in_place as (

    select
        rhythms.*,
        coalesce(machines_tomorrow.stands_until, {{ end_of_time() }}) as stands_until,
        case
            when rhythms.next_visit_on > machines_tomorrow.stands_until then machines_tomorrow.stands_until + 1
            else rhythms.next_visit_on
        end as lasts_until,
        machines_tomorrow.route_id as route_tomorrow,
        coalesce(rhythms.margin_rate, {{ var('margin_rate_assumed') }})
        - coalesce(machines_tomorrow.commission_rate, 0) as contribution_rate,
        1 - coalesce(rhythms.margin_rate, {{ var('margin_rate_assumed') }}) as cost_rate
    from rhythms
    left join machines_tomorrow
        on
            rhythms.machine_id = machines_tomorrow.machine_id
            and {{ valid_on('machines_tomorrow', 'rhythms.business_date') }}
    where
        machines_tomorrow.machine_id is null
        or machines_tomorrow.stands_until > rhythms.business_date

),

-- A route without history is driven every day. A machine that waits can be visited on the next day after tomorrow on
-- which its route drives.
visit_plans as (

    select
        machines_in_place.*,
        routes.visits_a_day,
        coalesce(routes.drives_tomorrow, true) as drives_tomorrow,
        coalesce(
            {{ next_route_day('routes', 'machines_in_place.business_date + 2') }}, machines_in_place.business_date + 2
        ) as waits_until
    from machines_in_place
    left join routes
        on
            machines_in_place.route_tomorrow is not distinct from routes.route_id
            and machines_in_place.business_date = routes.business_date

),

numbers as (

    {{ numbers(var('days_a_count_holds') | int + 1) }}

),

-- The time until the next planned visit in average days, by the machine's weekdays. Visits are made at
-- about noon, so the day of a visit counts half before it.
horizons as (

    select
        visit_plans.machine_id,
        visit_plans.business_date,
        visit_plans.route_tomorrow,
        visit_plans.next_visit_on,
        visit_plans.stands_until,
        visit_plans.is_due,
        visit_plans.drives_tomorrow,
        visit_plans.visits_a_day,
        visit_plans.contribution_rate,
        visit_plans.cost_rate,
        visit_plans.waits_until - visit_plans.business_date as days_until_waited,
        visit_plans.lasts_until - visit_plans.business_date as days_until_visit,
        0.5 * max(
            case when numbers.number = 1 then {{ weekday_index('visit_plans', 'visit_plans.business_date + 1') }} end
        )
            as days_until_tomorrow,
        sum(
            case when visit_plans.business_date + numbers.number = visit_plans.lasts_until then 0.5 else 1 end
            * {{ weekday_index('visit_plans', 'visit_plans.business_date + numbers.number') }}
        ) as days_until_next
    from visit_plans
    inner join numbers
        on
            numbers.number >= 1
            and visit_plans.lasts_until - visit_plans.business_date >= numbers.number
    group by
        visit_plans.machine_id,
        visit_plans.business_date,
        visit_plans.route_tomorrow,
        visit_plans.next_visit_on,
        visit_plans.stands_until,
        visit_plans.is_due,
        visit_plans.drives_tomorrow,
        visit_plans.visits_a_day,
        visit_plans.contribution_rate,
        visit_plans.cost_rate,
        visit_plans.waits_until,
        visit_plans.lasts_until

),

-- A product in several slots of a machine sells from each as much of its forecast as the slot sold in the four weeks.
-- In doubles, as DuckDB 2.0 takes the decimals of such a sum for another number; in an order, for the same result.
product_velocities as (

    select
        *,
        sum(cast(units_per_average_day as double)) over (
            partition by machine_id, product_id, business_date order by slot_no
            rows between unbounded preceding and unbounded following
        ) as product_units_per_average_day
    from velocities

),

slot_velocities as (

    select
        *,
        {{ safe_divide('units_per_average_day', 'product_units_per_average_day') }} as share_of_product
    from product_velocities

),

-- What is wanted until tomorrow's visit, until the next possible one after it and until the next planned one, each at
-- noon. A forecast that ends before the planned visit is left out.
expected_demand as (

    select
        slots.machine_id,
        slots.slot_no,
        slots.product_id,
        slots.business_date,
        horizons.route_tomorrow as route_id,
        slots.closing_units,
        slots.capacity,
        horizons.next_visit_on,
        horizons.stands_until,
        horizons.is_due,
        horizons.drives_tomorrow,
        horizons.visits_a_day,
        horizons.contribution_rate,
        horizons.cost_rate,
        slot_velocities.season_factor,
        slot_velocities.list_price,
        forecasts.machine_id is not null as is_forecast,
        cast(
            round(
                coalesce(
                    cast(forecasts.units_per_day * slot_velocities.share_of_product as double),
                    cast(slot_velocities.units_per_average_day * slot_velocities.season_factor as double)
                ), 4
            ) as decimal(18, 4)
        ) as units_per_day,
        coalesce(
            cast(forecasts.wanted_1 * slot_velocities.share_of_product as double),
            cast(slot_velocities.units_per_average_day * slot_velocities.season_factor as double)
            * cast(horizons.days_until_tomorrow as double)
        ) as wanted_until_tomorrow,
        coalesce(
            cast(
                {{ by_days_ahead('horizons.days_until_visit', 'forecasts.wanted_') }}
                * slot_velocities.share_of_product as double
            ),
            cast(slot_velocities.units_per_average_day * slot_velocities.season_factor as double)
            * cast(horizons.days_until_next as double)
        ) as wanted_until_next,
        cast(
            {{ by_days_ahead('horizons.days_until_waited', 'forecasts.wanted_') }}
            * slot_velocities.share_of_product as double
        ) as forecast_until_waited,
        cast(forecasts.variance_1 * slot_velocities.share_of_product as double) as variance_until_tomorrow,
        cast(
            {{ by_days_ahead('horizons.days_until_waited', 'forecasts.variance_') }}
            * slot_velocities.share_of_product as double
        ) as variance_until_waited,
        cast(
            {{ by_days_ahead('horizons.days_until_visit', 'forecasts.variance_') }}
            * slot_velocities.share_of_product as double
        ) as variance_until_next,
        {{ larger('slots.closing_units', '0') }} as units_there
    from slots
    inner join horizons
        on
            slots.machine_id = horizons.machine_id
            and slots.business_date = horizons.business_date
    inner join slot_velocities
        on
            slots.machine_id = slot_velocities.machine_id
            and slots.slot_no = slot_velocities.slot_no
            and slots.business_date = slot_velocities.business_date
    left join forecasts
        on
            slots.machine_id = forecasts.machine_id
            and slots.product_id = forecasts.product_id
            and slots.business_date = forecasts.business_date
            and horizons.days_until_visit <= forecasts.days_forecast
            and slot_velocities.product_units_per_average_day > 0

),

-- The quantile that pays: the share of cases in which there should be enough is what a missed sale costs (its margin)
-- of that and what a unit too many costs (as far as it is thrown away in the end) together.
paying_quantiles as (

    select
        *,
        case
            when contribution_rate <= cost_rate * {{ var('surplus_wasted_rate') }} then 0.5
            when contribution_rate >= 99 * cost_rate * {{ var('surplus_wasted_rate') }} then 0.99
            else {{ safe_divide(
                'contribution_rate', 'contribution_rate + cost_rate * ' ~ var('surplus_wasted_rate')
            ) }}
        end as paying_quantile
    from expected_demand

),

-- What the slot has to hold tomorrow so that it lasts until the visit after: the quantile that pays of what is
-- forecast, or else enough also on a day in twenty when more people come than on average; and what it will have left.
slot_needs as (

    select
        *,
        case
            when units_there - wanted_until_tomorrow > 0 then floor(units_there - wanted_until_tomorrow)
            else 0
        end as units_there_tomorrow,
        case
            when is_forecast
                then floor(
                    wanted_until_next
                    + (ln(cast(paying_quantile as double)) - ln(cast(1 - paying_quantile as double))) * 0.5875
                    * sqrt(variance_until_next)
                ) + 1
            else floor(wanted_until_next + 1.645 * sqrt(wanted_until_next)) + 1
        end as units_wanted,
        floor(units_per_day * {{ smaller(var('days_of_stock_at_most'), 'stands_until - business_date') }}) + 1
            as units_at_most
    from paying_quantiles

),

slot_loads as (

    select
        *,
        case when units_wanted > units_there then units_wanted - units_there else 0 end as units_needed,
        case
            when capacity is null or capacity <= units_there_tomorrow then 0
            when units_at_most >= capacity then capacity - units_there_tomorrow
            when {{ larger('units_at_most', 'units_wanted') }} <= units_there_tomorrow then 0
            else
                {{ smaller('capacity', larger('units_at_most', 'units_wanted')) }}
                - units_there_tomorrow
        end as units_to_load
    from slot_needs

),

-- What a visit tomorrow saves: all that would be missed until the next planned one, but for what is missed before
-- a visit is possible and after a full slot is sold.
lost_sales as (

    select
        *,
        {{ expected_shortage('wanted_until_next', 'units_there', 'variance_until_next') }} as lost_without_a_visit,
        {{ expected_shortage('wanted_until_tomorrow', 'units_there', 'variance_until_tomorrow') }} as lost_before_noon,
        {{ expected_shortage('wanted_until_tomorrow', 'units_there', 'variance_until_tomorrow') }}
        + {{ expected_shortage(
            'wanted_until_next - wanted_until_tomorrow', 'units_there_tomorrow + units_to_load',
            'variance_until_next - variance_until_tomorrow'
        ) }} as lost_if_visited,
        {{ expected_shortage(
            'wanted_until_tomorrow * 2', 'units_there', 'variance_until_tomorrow * 2'
        ) }} as lost_tomorrow,
        {{ expected_shortage(
            'coalesce(forecast_until_waited, wanted_until_tomorrow * 3)', 'units_there', 'variance_until_waited'
        ) }} as lost_until_waited
    from slot_loads

),

savings as (

    select
        *,
        case
            when closing_units is not null and lost_without_a_visit > lost_if_visited
                then {{ round_yen('(lost_without_a_visit - lost_if_visited) * list_price') }}
            else 0
        end as sales_saved,
        case
            when closing_units is not null then {{ round_yen('lost_tomorrow * list_price') }}
            else 0
        end as sales_lost_tomorrow,
        case
            when closing_units is not null and lost_until_waited > lost_before_noon and units_per_day > 0
                then {{ round_yen(
                    '(lost_until_waited - lost_before_noon) * list_price'
                    ~ ' * sqrt(cast(' ~ safe_divide('coalesce(capacity, 0)', 'units_per_day') ~ ' as double))'
                ) }}
            else 0
        end as waiting_weight
    from lost_sales

),

machines as (

    select
        machine_id,
        business_date,
        route_id,
        drives_tomorrow,
        visits_a_day,
        coalesce(sum(sales_saved), 0) as machine_sales_saved,
        coalesce(sum(sales_lost_tomorrow), 0) as machine_sales_lost_tomorrow,
        coalesce(sum(waiting_weight), 0) as machine_waiting_weight,
        max(max(case when is_forecast then 1 else 0 end))
            over (partition by route_id, business_date)
            as route_is_forecast,
        {{ round_yen('coalesce(sum(sales_saved), 0) * contribution_rate') }} as machine_margin_saved_without_tax
    from savings
    group by machine_id, business_date, route_id, drives_tomorrow, visits_a_day, contribution_rate

),

-- In the evening the question is which machine can wait another day: they are compared by the sales lost on that day.
-- Compared by all that is missed until each one's next planned visit, those that are seldom visited would come first.
-- Only where the day makes no difference, to the nearest 10 yen, what follows decides.
-- With forecasts it is what is lost from tomorrow's noon until the route drives again, weighted by the square root of
-- the days that a full slot lasts: a visit is worth more where it keeps the slot from being empty for longer.
ranked_machines as (

    select
        *,
        machine_margin_saved_without_tax >= {{ var('visit_cost_yen') }} as is_worth_a_visit,
        row_number() over (
            partition by route_id, business_date
            order by
                case when route_is_forecast = 1 then machine_waiting_weight else 0 end desc,
                round(machine_sales_lost_tomorrow, -1) desc,
                machine_sales_saved desc,
                machine_id asc
        ) as machine_priority
    from machines

),

-- As many machines as the route visits on a day on which it drives, of those whose visit pays.
recommended_machines as (

    select
        *,
        sum(case when is_worth_a_visit then 1 else 0 end) over (
            partition by route_id, business_date order by machine_priority
            rows between unbounded preceding and current row
        ) < coalesce(visits_a_day, 1) + 0.5
        and is_worth_a_visit
        and drives_tomorrow as is_visit_recommended
    from ranked_machines

),

final as (

    select
        savings.machine_id,
        savings.slot_no,
        savings.product_id,
        savings.business_date,
        savings.route_id,
        savings.closing_units,
        savings.capacity,
        savings.units_per_day,
        savings.season_factor,
        savings.next_visit_on,
        case when savings.closing_units is not null then cast(savings.units_needed as bigint) end as units_needed,
        case when savings.closing_units is not null then cast(savings.units_to_load as bigint) end as units_to_load,
        case
            when savings.closing_units is null then 'unknown'
            when savings.closing_units <= 0 then 'empty'
            when savings.closing_units <= savings.wanted_until_tomorrow * 2 then 'tomorrow'
            when savings.units_needed > 0 then 'before_next_visit'
            else 'enough'
        end as urgency,
        case
            when savings.closing_units is null then 'Nobody has counted it lately'
            when savings.closing_units <= 0
                then
                    'Empty, and '
                    || case when savings.is_forecast then 'is expected to sell ' else 'sells ' end
                    || {{ rounded_text('savings.units_per_day') }} || ' a day'
            else
                case
                    when savings.closing_units <= savings.wanted_until_tomorrow * 2 then 'Runs empty within a day: '
                    when savings.units_needed > 0
                        then 'May not last until ' || cast(savings.next_visit_on as varchar) || ': '
                    else 'Lasts until ' || cast(savings.next_visit_on as varchar) || ': '
                end
                || cast(savings.closing_units as varchar) || ' left, '
                || case
                    when savings.is_forecast
                        then
                            {{ rounded_text('savings.wanted_until_next') }} || ' expected until then, and '
                            || cast(cast(savings.units_wanted as bigint) as varchar) || ' would pay'
                    else 'sells ' || {{ rounded_text('savings.units_per_day') }} || ' a day'
                end
        end as reason,
        case
            when savings.closing_units is not null then cast(round(savings.lost_without_a_visit, 4) as decimal(18, 4))
        end as expected_units_lost,
        cast(savings.sales_saved as bigint) as sales_saved,
        cast(recommended_machines.machine_sales_saved as bigint) as machine_sales_saved,
        cast(recommended_machines.machine_margin_saved_without_tax as bigint) as machine_margin_saved_without_tax,
        cast(recommended_machines.machine_sales_lost_tomorrow as bigint) as machine_sales_lost_tomorrow,
        cast(recommended_machines.machine_priority as bigint) as machine_priority,
        savings.is_due,
        savings.is_forecast,
        case when savings.is_forecast then cast(savings.paying_quantile as decimal(18, 4)) end as paying_quantile,
        recommended_machines.is_worth_a_visit,
        recommended_machines.drives_tomorrow,
        recommended_machines.is_visit_recommended
    from savings
    inner join recommended_machines
        on
            savings.machine_id = recommended_machines.machine_id
            and savings.business_date = recommended_machines.business_date

)

select * from final
