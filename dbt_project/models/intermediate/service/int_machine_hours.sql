{{ config(materialized='incremental', incremental_strategy='window', on_schema_change='append_new_columns') }}

{% set day_kinds = ['workday', 'saturday', 'sunday'] %}
{% set lately -%}
    over (partition by machine_id, hour_of_day order by business_date rows between 28 preceding and 1 preceding)
{%- endset %}

with

vend_attempts as (

    select
        machine_id,
        business_date,
        sold_at,
        status
    from {{ ref('fct_sales') }}
    where {{ in_reach('business_date') }}

    union all

    select
        machine_id,
        business_date,
        sold_at,
        'failed' as status
    from {{ ref('int_vends_failed') }}
    where {{ in_reach('business_date') }}

),

sales_files as (

    select * from {{ ref('int_sales_files_kept') }}
    where {{ in_reach('business_date') }}

),

machines as (

    select * from {{ ref('int_machines_versioned') }}

),

calendar as (

    select * from {{ ref('int_calendar') }}
    where {{ in_reach('business_date') }}

),

hours as (

    {{ numbers(23) }}

),

delivered_period as (

    select
        min(business_date) as first_day,
        max(business_date) as last_day
    from sales_files

),

-- Every machine on every day, also before and after it stood: 28 rows back are then 28 days back.
machine_days as (

    select
        machines.machine_id,
        calendar.business_date,
        calendar.day_kind,
        machines.location_type,
        sales_files.machine_id is not null as has_file,
        machines.installed_on <= calendar.business_date
        and coalesce(machines.removed_on, calendar.business_date) >= calendar.business_date as is_expected
    from calendar
    inner join delivered_period
        on calendar.business_date between delivered_period.first_day and delivered_period.last_day
    inner join machines
        on {{ valid_on('machines', 'calendar.business_date') }}
    left join sales_files
        on
            machines.machine_id = sales_files.machine_id
            and calendar.business_date = sales_files.business_date

),

-- A vend just past midnight may be in the file of the day that ended: it counts for that day's last hour.
attempts_with_hour as (

    select
        machine_id,
        business_date,
        status,
        case
            when cast(sold_at as date) > business_date then 23
            when cast(sold_at as date) < business_date then 0
            else extract(hour from sold_at)
        end as hour_of_day
    from vend_attempts

),

hourly_attempts as (

    select
        machine_id,
        business_date,
        hour_of_day,
        count(*) as attempts,
        sum(case when status = 'completed' then 1 else 0 end) as vends
    from attempts_with_hour
    group by machine_id, business_date, hour_of_day

),

machine_hours as (

    select
        machine_days.*,
        hours.number as hour_of_day,
        coalesce(hourly_attempts.attempts, 0) as attempts,
        coalesce(hourly_attempts.vends, 0) as vends
    from machine_days
    cross join hours
    left join hourly_attempts
        on
            machine_days.machine_id = hourly_attempts.machine_id
            and machine_days.business_date = hourly_attempts.business_date
            and hours.number = hourly_attempts.hour_of_day

),

hours_with_history as (

    select
        *,
        {%- for kind in day_kinds %}
            sum(case when day_kind = '{{ kind }}' then attempts else 0 end) {{ lately }} as {{ kind }}_attempts,
            sum(case when day_kind = '{{ kind }}' and has_file then 1 else 0 end) {{ lately }} as {{ kind }}_files,
        {%- endfor %}
        sum(attempts - vends) {{ lately }} as failed_before
    from machine_hours

),

-- Where no day of this kind is known yet, nothing is expected.
normal_hours as (

    select
        *,
        {% for kind in day_kinds -%}
            coalesce({{ kind }}_attempts, 0) {{ "+ " if not loop.last }}
        {%- endfor %} as attempts_before,
        {% for kind in day_kinds -%}
            coalesce({{ kind }}_files, 0) {{ "+ " if not loop.last }}
        {%- endfor %} as files_before,
        coalesce(
            case day_kind
                {%- for kind in day_kinds %}
                    when '{{ kind }}' then {{ safe_divide(kind ~ "_attempts", kind ~ "_files") }}
                {%- endfor %}
            end,
            0
        ) as normal_attempts
    from hours_with_history

),

totals as (

    select
        machine_id,
        business_date,
        location_type,
        sum(attempts) as attempts,
        sum(normal_attempts) as normal_attempts
    from normal_hours
    where has_file and is_expected
    group by machine_id, business_date, location_type
    having sum(normal_attempts) > 0

),

-- The same day at the other machines: first those at the same kind of site, then all.
peer_totals as (

    select
        machine_id,
        business_date,
        sum(attempts) over (partition by business_date, location_type) - attempts as peer_attempts,
        sum(normal_attempts) over (partition by business_date, location_type) - normal_attempts as peer_normal,
        sum(attempts) over (partition by business_date) - attempts as other_attempts,
        sum(normal_attempts) over (partition by business_date) - normal_attempts as other_normal
    from totals

),

day_rates as (

    select
        machine_id,
        business_date,
        case
            when peer_normal >= {{ var('peers_need') }} then {{ safe_divide('peer_attempts', 'peer_normal') }}
            when other_normal >= {{ var('peers_need') }} then {{ safe_divide('other_attempts', 'other_normal') }}
            else 1
        end as day_rate
    from peer_totals

),

final as (

    select
        normal_hours.machine_id,
        normal_hours.business_date,
        cast(normal_hours.hour_of_day as bigint) as hour_of_day,
        normal_hours.has_file,
        cast(normal_hours.attempts as bigint) as attempts,
        cast(normal_hours.vends as bigint) as vends,
        cast(normal_hours.normal_attempts as decimal(18, 4)) as normal_attempts,
        cast(
            round(normal_hours.normal_attempts * case when day_rates.day_rate < 1 then day_rates.day_rate else 1 end, 4)
            as decimal(18, 4)
        ) as expected_attempts,
        cast(normal_hours.attempts_before as bigint) as attempts_before,
        cast(coalesce(normal_hours.failed_before, 0) as bigint) as failed_before,
        cast(normal_hours.files_before as bigint) as files_before
    from normal_hours
    left join day_rates
        on
            normal_hours.machine_id = day_rates.machine_id
            and normal_hours.business_date = day_rates.business_date
    where
        {{ in_window('normal_hours.business_date') }}
        and normal_hours.is_expected
        and normal_hours.business_date in (select sales_files.business_date from sales_files)
        and (normal_hours.hour_of_day = 0 or normal_hours.attempts > 0 or normal_hours.attempts_before > 0)

)

select * from final
