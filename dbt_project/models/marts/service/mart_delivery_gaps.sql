{{ config(materialized='incremental', incremental_strategy='window') }}

with

all_deliveries as (

    select * from {{ ref('int_sales_deliveries') }}

),

-- By today's knowledge: the newest master is more accurate about an old day than the master of that day.
machines as (

    select * from {{ ref('dim_machines') }}

),

calendar as (

    select * from {{ ref('int_calendar') }}
    where {{ in_window('business_date') }}

),

delivered_period as (

    select
        min(business_date) as first_day,
        max(business_date) as last_day
    from all_deliveries

),

deliveries as (

    select * from all_deliveries
    where {{ in_window('business_date') }}

),

expected_files as (

    select
        machines.machine_id,
        calendar.business_date
    from calendar
    inner join delivered_period
        on calendar.business_date between delivered_period.first_day and delivered_period.last_day
    inner join machines
        on
            calendar.business_date >= machines.installed_on
            and calendar.business_date <= coalesce(machines.removed_on, calendar.business_date)

),

machine_days as (

    select
        machine_id,
        business_date
    from expected_files

    union distinct

    select
        machine_id,
        business_date
    from deliveries

),

-- A day ends at midnight, and its file comes after that.
machine_day_times as (

    select
        machine_days.machine_id,
        machine_days.business_date,
        expected_files.machine_id is not null as is_expected,
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
    left join expected_files
        on
            machine_days.machine_id = expected_files.machine_id
            and machine_days.business_date = expected_files.business_date
    left join deliveries
        on
            machine_days.machine_id = deliveries.machine_id
            and machine_days.business_date = deliveries.business_date

),

final as (

    select
        machine_day_times.machine_id,
        machine_day_times.business_date,
        machines.machine_name,
        machines.route_id,
        machine_day_times.is_expected,
        case
            when machine_day_times.files_in_use > 0 then 'in use'
            when machine_day_times.files_in_quarantine > 0 then 'in quarantine'
            when machine_day_times.arrived_at is not null then 'withdrawn'
            else 'never came'
        end as state,
        machine_day_times.is_expected and machine_day_times.files_in_use = 0 as is_missing,
        machine_day_times.arrived_at,
        cast(machine_day_times.lag_hours as bigint) as lag_hours,
        coalesce(machine_day_times.lag_hours >= {{ var('late_after_hours') }}, false) as is_late,
        cast(machine_day_times.corrections as bigint) as corrections,
        case when machine_day_times.corrections > 0 then machine_day_times.last_arrived_at end as last_corrected_at
    from machine_day_times
    left join machines
        on machine_day_times.machine_id = machines.machine_id

)

select * from final
