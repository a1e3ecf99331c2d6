{{ config(materialized='incremental', incremental_strategy='window') }}

with

all_deliveries as (

    select * from {{ ref('int_sales_deliveries') }}

),

-- As it is known now: what the newest master says of a day long ago is truer than what was said then.
machines as (

    select * from {{ ref('dim_machines') }}

),

calendar as (

    select * from {{ ref('int_calendar') }}
    where {{ in_window('business_date') }}

),

period as (

    select
        min(business_date) as first_day,
        max(business_date) as last_day
    from all_deliveries

),

deliveries as (

    select * from all_deliveries
    where {{ in_window('business_date') }}

),

expected as (

    select
        machines.machine_id,
        calendar.business_date
    from calendar
    inner join period
        on calendar.business_date between period.first_day and period.last_day
    inner join machines
        on
            calendar.business_date >= machines.installed_on
            and calendar.business_date <= coalesce(machines.removed_on, calendar.business_date)

),

machine_days as (

    select
        machine_id,
        business_date
    from expected

    union distinct

    select
        machine_id,
        business_date
    from deliveries

),

-- A day ends at midnight, and its file comes after that.
timed as (

    select
        machine_days.machine_id,
        machine_days.business_date,
        expected.machine_id is not null as is_expected,
        deliveries.arrived_at,
        deliveries.last_arrived_at,
        coalesce(deliveries.contents, 1) - 1 as corrections,
        coalesce(deliveries.files_in_use, 0) as files_in_use,
        coalesce(deliveries.files_in_quarantine, 0) as files_in_quarantine,
        case
            when cast(deliveries.arrived_at as date) <= machine_days.business_date then 0
            else
                24 * (cast(deliveries.arrived_at as date) - machine_days.business_date - 1)
                + extract(hour from deliveries.arrived_at)
        end as lag_hours
    from machine_days
    left join expected
        on
            machine_days.machine_id = expected.machine_id
            and machine_days.business_date = expected.business_date
    left join deliveries
        on
            machine_days.machine_id = deliveries.machine_id
            and machine_days.business_date = deliveries.business_date

),

final as (

    select
        timed.machine_id,
        timed.business_date,
        machines.machine_name,
        machines.route_id,
        timed.is_expected,
        case
            when timed.files_in_use > 0 then 'in use'
            when timed.files_in_quarantine > 0 then 'in quarantine'
            when timed.arrived_at is not null then 'withdrawn'
            else 'never came'
        end as state,
        timed.is_expected and timed.files_in_use = 0 as is_missing,
        timed.arrived_at,
        cast(timed.lag_hours as bigint) as lag_hours,
        coalesce(timed.lag_hours >= {{ var('late_after_hours') }}, false) as is_late,
        cast(timed.corrections as bigint) as corrections,
        case when timed.corrections > 0 then timed.last_arrived_at end as last_corrected_at
    from timed
    left join machines
        on timed.machine_id = machines.machine_id

)

select * from final
