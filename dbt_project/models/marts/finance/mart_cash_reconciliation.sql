{{ config(materialized='incremental', incremental_strategy='window') }}

with

replenishments as (

    select * from {{ ref('fct_replenishments') }}
    where {{ in_reach('business_date') }}

),

vends as (

    select * from {{ ref('fct_sales') }}
    where {{ in_reach('business_date') }} and status = 'completed'

),

machine_days as (

    select * from {{ ref('int_machine_days_delivered') }}
    where {{ in_reach('business_date') }}

),

visits as (

    select
        machine_id,
        visit_id,
        business_date,
        max(machine_name) as machine_name,
        max(route_id) as route_id,
        max(staff_key) as staff_key,
        min(replenished_at) as collected_at,
        sum(cash_collected) as cash_collected,
        max(sales_meter) as sales_meter
    from replenishments
    group by machine_id, visit_id, business_date

),

collections as (

    select
        *,
        row_number() over (partition by machine_id order by business_date, collected_at, visit_id) as nth,
        row_number() over (partition by machine_id, business_date order by collected_at, visit_id) as nth_of_day,
        lead(collected_at) over (partition by machine_id, business_date order by collected_at, visit_id) as next_of_day,
        lag(collected_at) over (
            partition by machine_id order by business_date, collected_at, visit_id
        ) as previous_collected_at,
        lag(business_date) over (
            partition by machine_id order by business_date, collected_at, visit_id
        ) as previous_date,
        lag(sales_meter) over (
            partition by machine_id order by business_date, collected_at, visit_id
        ) as previous_meter
    from visits
    where cash_collected is not null

),

-- No one buys while the door is open, so the time of the first slot divides a day's vends into those before a
-- collection and those after. A vend belongs to its file's day first: so every window that needs it reads it.
vends_with_collection as (

    select
        vends.machine_id,
        vends.business_date,
        2 * coalesce(collections.nth_of_day, 0) + 1 as place_in_day,
        sum(case when vends.payment_type = 'cash' then vends.sales_with_tax else 0 end) as cash_sold,
        sum(case when vends.payment_type <> 'cash' then vends.sales_with_tax else 0 end) as cashless_sold,
        sum(case when vends.payment_type is null then vends.sales_with_tax else 0 end) as otherwise_sold,
        sum(case when vends.payment_type = 'cash' then 1 else 0 end) as cash_vends,
        count(*) as vends,
        sum(vends.sales_with_tax * vends.sales_with_tax) as squared_amounts
    from vends
    left join collections
        on
            vends.machine_id = collections.machine_id
            and vends.business_date = collections.business_date
            and vends.sold_at >= collections.collected_at
            and (collections.next_of_day is null or vends.sold_at < collections.next_of_day)
    group by vends.machine_id, vends.business_date, 2 * coalesce(collections.nth_of_day, 0) + 1

),

-- Everything that happened at a machine in its order: what was delivered for a day, a collection, the vends after it.
events as (

    select
        machine_id,
        business_date,
        0 as place_in_day,
        0 as collected,
        case when is_sales_complete then 1 else 0 end as complete_days,
        case when is_visit_unread then 1 else 0 end as unread_visits,
        0 as cash_sold,
        0 as cashless_sold,
        0 as otherwise_sold,
        0 as cash_vends,
        0 as vends,
        0 as squared_amounts
    from machine_days

    union all

    select
        machine_id,
        business_date,
        2 * nth_of_day as place_in_day,
        1 as collected,
        0 as complete_days,
        0 as unread_visits,
        0 as cash_sold,
        0 as cashless_sold,
        0 as otherwise_sold,
        0 as cash_vends,
        0 as vends,
        0 as squared_amounts
    from collections

    union all

    select
        machine_id,
        business_date,
        place_in_day,
        0 as collected,
        0 as complete_days,
        0 as unread_visits,
        cash_sold,
        cashless_sold,
        otherwise_sold,
        cash_vends,
        vends,
        squared_amounts
    from vends_with_collection

),

events_with_period as (

    select
        *,
        sum(collected) over (
            partition by machine_id
            order by business_date, place_in_day
            rows between unbounded preceding and current row
        ) as collections_before
    from events

),

period_totals as (

    select
        machine_id,
        collections_before,
        sum(complete_days) as complete_days,
        sum(unread_visits) as unread_visits,
        sum(cash_sold) as cash_sold,
        sum(cashless_sold) as cashless_sold,
        sum(otherwise_sold) as otherwise_sold,
        sum(cash_vends) as cash_vends,
        sum(vends) as vends,
        sum(squared_amounts) as squared_amounts
    from events_with_period
    group by machine_id, collections_before

),

-- The period's days are those from the collection before, whose own day is added, until this one.
-- A file of the collection's own day that has bad rows still contains this visit.
collections_with_period as (

    select
        collections.*,
        collections.business_date - collections.previous_date as days_since_last,
        collections.business_date - collections.previous_date + 1
        - period.complete_days
        - case when first_day.is_sales_complete then 1 else 0 end as days_without_sales,
        period.unread_visits
        - case
            when last_day.is_visit_unread and collections.previous_date < collections.business_date then 1
            else 0
        end as unread_visits,
        period.cash_sold,
        period.cashless_sold,
        period.otherwise_sold,
        case
            when collections.sales_meter >= collections.previous_meter
                then collections.sales_meter - collections.previous_meter
        end as metered,
        {{ safe_divide('period.cash_vends + 1', 'period.vends + 2') }} as cash_share,
        period.vends,
        {{ safe_divide('period.squared_amounts', 'period.cash_sold + period.cashless_sold + period.otherwise_sold') }}
            as vend_amount
    from collections
    left join period_totals as period
        on
            collections.machine_id = period.machine_id
            and collections.nth - 1 = period.collections_before
    left join machine_days as first_day
        on
            collections.machine_id = first_day.machine_id
            and collections.previous_date = first_day.business_date
    left join machine_days as last_day
        on
            collections.machine_id = last_day.machine_id
            and collections.business_date = last_day.business_date
    where {{ in_window('collections.business_date') }}

),

-- Rows from before the 63 days are not read for one day, so they don't count for many days either.
evidence as (

    select
        machine_id,
        visit_id,
        business_date,
        machine_name,
        route_id,
        staff_key,
        collected_at,
        cash_collected,
        {{ var('cash_change_added_yen') }} as change_added,
        cash_share,
        vends,
        vend_amount,
        case when days_since_last <= 63 then previous_collected_at end as previous_collected_at,
        case when days_since_last <= 63 then days_since_last end as days_since_last,
        case when days_since_last <= 63 then days_without_sales end as days_without_sales,
        case when days_since_last <= 63 then cash_sold end as cash_sold,
        case when days_since_last <= 63 then metered - cashless_sold end as cash_by_meter,
        case when days_since_last <= 63 then metered - cashless_sold - cash_sold end as unexplained_sales,
        case
            when days_since_last is null or days_since_last > 63 then 'no_earlier_collection'
            when unread_visits > 0 then 'visit_unread'
            when metered is null and (days_without_sales > 0 or otherwise_sold > 0) then 'sales_incomplete'
            when metered is null then 'sales'
            when metered = cash_sold + cashless_sold then 'meter'
            else 'meter_and_share'
        end as basis
    from collections_with_period

),

-- How sales were paid that the meter counted and no file lists is unknown: most probably as the period's
-- others were. The doubt that leaves is four standard deviations of so many vends, and never more than all or nothing.
-- A meter that counted less than was sold leaves both to be possible.
expected_cash as (

    select
        *,
        case
            when basis = 'meter' then cash_by_meter
            when basis = 'meter_and_share' then cash_sold + {{ share_of_yen('unexplained_sales', 'cash_share') }}
            when basis = 'sales' then cash_sold
        end as cash_expected,
        case
            when basis = 'meter_and_share'
                then
                    abs(unexplained_sales)
                    * case when cash_share < 0.5 then 1 - cast(cash_share as double) else cast(cash_share as double) end
            else 0
        end as greatest_doubt,
        case
            when basis = 'meter_and_share' and unexplained_sales > 0
                then
                    4 * sqrt(
                        cast(cash_share as double) * (1 - cast(cash_share as double))
                        * cast(unexplained_sales as double)
                        * (
                            cast(coalesce(vend_amount, unexplained_sales) as double)
                            + cast({{ safe_divide('unexplained_sales', 'vends + 2') }} as double)
                        )
                    )
        end as probable_doubt
    from evidence

),

cash_tolerances as (

    select
        *,
        cash_collected + change_added - cash_expected as variance,
        case
            when {{ share_of_yen('cash_expected', var('cash_tolerance_rate')) }} > {{ var('cash_tolerance_yen') }}
                then {{ share_of_yen('cash_expected', var('cash_tolerance_rate')) }}
            when cash_expected is not null then {{ var('cash_tolerance_yen') }}
        end
        + {{ round_yen('case when probable_doubt < greatest_doubt then probable_doubt else greatest_doubt end') }}
            as tolerance
    from expected_cash

),

final as (

    select
        machine_id,
        visit_id,
        business_date,
        machine_name,
        route_id,
        staff_key,
        collected_at,
        previous_collected_at,
        cast(days_since_last as bigint) as days_since_last,
        cast(days_without_sales as bigint) as days_without_sales,
        cast(cash_sold as bigint) as cash_sold,
        cast(cash_by_meter as bigint) as cash_by_meter,
        cast(unexplained_sales as bigint) as unexplained_sales,
        cast(cash_collected as bigint) as cash_collected,
        cast(change_added as bigint) as change_added,
        basis,
        cast(cash_expected as bigint) as cash_expected,
        cast(variance as bigint) as variance,
        cast(tolerance as bigint) as tolerance,
        coalesce(abs(variance) > tolerance, false) as is_breached
    from cash_tolerances

)

select * from final
