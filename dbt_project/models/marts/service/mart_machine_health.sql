{{ config(materialized='incremental', incremental_strategy='window') }}

with

machine_hours as (

    select * from {{ ref('int_machine_hours') }}
    where {{ in_reach('business_date') }}

),

machines as (

    select * from {{ ref('int_machines_versioned') }}

),

-- Hours between two sales of a day have the same number; those before the first have 0. An attempt that failed is none.
numbered_hours as (

    select
        *,
        sum(case when vends > 0 then 1 else 0 end) over (
            partition by machine_id, business_date
            order by hour_of_day
            rows between unbounded preceding and current row
        ) as stretch_no
    from machine_hours

),

stretches as (

    select
        machine_id,
        business_date,
        stretch_no,
        sum(case when vends = 0 and has_file then expected_attempts else 0 end) as missed,
        sum(case when vends = 0 and has_file and expected_attempts >= 0.5 then 1 else 0 end) as selling_hours
    from numbered_hours
    group by machine_id, business_date, stretch_no

),

days as (

    select
        machine_id,
        business_date,
        max(case when has_file then 1 else 0 end) as files,
        max(stretch_no) as last_stretch_no,
        sum(attempts) as attempts,
        sum(vends) as vends,
        sum(expected_attempts) as expected_attempts,
        sum(attempts_before) as attempts_before,
        sum(failed_before) as failed_before,
        max(files_before) as files_before
    from numbered_hours
    group by machine_id, business_date

),

-- What a day without a sale adds to the silence before it. A day without a file ends it, as nothing is known about it.
silence_increments as (

    select
        days.*,
        stretches.missed as missed_at_end,
        lag(days.business_date) over (partition by days.machine_id order by days.business_date) as day_before
    from days
    inner join stretches
        on
            days.machine_id = stretches.machine_id
            and days.business_date = stretches.business_date
            and days.last_stretch_no = stretches.stretch_no

),

silences as (

    select
        *,
        sum(case when vends = 0 and files = 1 and day_before = business_date - 1 then 0 else 1 end) over (
            partition by machine_id
            order by business_date
            rows between unbounded preceding and current row
        ) as silence_no
    from silence_increments

),

-- Seven days, so that a day's row depends on a week and not on the first day of the table.
silence_totals as (

    select
        *,
        sum(missed_at_end) over (
            partition by machine_id, silence_no
            order by business_date
            rows between 6 preceding and current row
        ) as missed_until_night
    from silences

),

carried_silences as (

    select
        *,
        case
            when day_before = business_date - 1
                then lag(missed_until_night) over (partition by machine_id order by business_date)
            else 0
        end as missed_until_morning
    from silence_totals

),

-- What went before counts where the silence went on, not where it ended in the night and the first customer was only
-- late: a machine that sold something later must have missed half a silence on this day as well.
silent_stretches as (

    select
        carried_silences.machine_id,
        carried_silences.business_date,
        stretches.selling_hours,
        stretches.missed
        + case
            when
                stretches.stretch_no = 0
                and (carried_silences.vends = 0 or 2 * stretches.missed >= {{ var('silent_after_missing') }})
                then carried_silences.missed_until_morning
            else 0
        end as missed
    from carried_silences
    inner join stretches
        on
            carried_silences.machine_id = stretches.machine_id
            and carried_silences.business_date = stretches.business_date
    where carried_silences.files = 1

),

longest_silences as (

    select
        machine_id,
        business_date,
        max(missed) as missed_attempts,
        sum(case when missed >= {{ var('silent_after_missing') }} then selling_hours else 0 end) as silent_hours
    from silent_stretches
    group by machine_id, business_date

),

machine_evidence as (

    select
        days.*,
        machines.machine_name,
        machines.location_type,
        machines.prefecture,
        machines.route_id,
        machines.status,
        days.attempts - days.vends as failed_vends,
        coalesce(longest_silences.missed_attempts, 0) as missed_attempts,
        coalesce(longest_silences.silent_hours, 0) as silent_hours,
        case
            when days.files = 0 then 'no file'
            when coalesce(longest_silences.missed_attempts, 0) >= {{ var('down_after_missing') }} then 'silent'
            when days.attempts + days.attempts_before = 0 and days.files_before >= 21 then 'never sold'
            when
                days.attempts - days.vends >= {{ var('down_after_failing') }}
                and 2 * (days.attempts - days.vends) >= days.attempts
                then 'failing'
        end as finding,
        case
            when machines.status = 'maintenance' then 'the master says that it is in maintenance'
            when machines.removed_on = days.business_date then 'it was its last day'
        end as excuse
    from days
    inner join machines
        on
            days.machine_id = machines.machine_id
            and {{ valid_on('machines', 'days.business_date') }}
    left join longest_silences
        on
            days.machine_id = longest_silences.machine_id
            and days.business_date = longest_silences.business_date

),

suspicions as (

    select
        *,
        case finding
            when 'no file' then 'no file came that could be used: whether it sold is not known'
            when 'silent'
                then
                    'nothing sold while about '
                    || cast({{ round_yen('missed_attempts') }} as varchar)
                    || ' customers would have come'
            when 'never sold' then 'not one customer in four weeks'
            when 'failing'
                then
                    cast(cast(failed_vends as bigint) as varchar)
                    || ' of '
                    || cast(cast(attempts as bigint) as varchar)
                    || ' attempts failed'
        end as found
    from machine_evidence

),

final as (

    select
        machine_id,
        business_date,
        machine_name,
        location_type,
        prefecture,
        route_id,
        status,
        cast(vends as bigint) as vends,
        cast(failed_vends as bigint) as failed_vends,
        {{ safe_divide('failed_vends', 'attempts') }} as failed_share,
        {{ safe_divide('failed_before', 'attempts_before') }} as normal_failed_share,
        cast(expected_attempts as decimal(18, 4)) as expected_attempts,
        cast(missed_attempts as decimal(18, 4)) as missed_attempts,
        cast(silent_hours as bigint) as silent_hours,
        files = 0 as is_file_missing,
        coalesce(finding <> 'no file' and excuse is null, false) as is_suspected_down,
        case when excuse is null then found else found || '; ' || excuse end as reason
    from suspicions
    where {{ in_window('business_date') }}

)

select * from final
