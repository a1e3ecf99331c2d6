{{ config(
    materialized='incremental',
    incremental_strategy='window',
    meta={'reach': {'days_before': 28}}
) }}

with

spells as (

    select * from {{ ref('int_slot_empty_spells') }}
    where {{ in_reach('business_date') }}

),

vends as (

    select * from {{ ref('fct_sales') }}
    where
        {{ in_reach('business_date') }}
        and status = 'completed'

),

spell_hours as (

    select * from {{ ref('int_slot_empty_hours') }}
    where {{ in_reach('business_date') }}

),

-- An episode's hours by the kind of day, as in the pattern.
episode_hours as (

    select
        machine_id,
        slot_no,
        business_date,
        started_at,
        is_weekend,
        hour_of_day,
        sum(seconds_empty) as seconds_empty
    from spell_hours
    where {{ in_window('business_date') }}
    group by machine_id, slot_no, business_date, started_at, is_weekend, hour_of_day

),

-- The days of the four weeks before for which the machine delivered anything.
machine_days as (

    select distinct
        machine_id,
        business_date,
        {{ is_weekend('business_date') }} as is_weekend
    from vends

),

episode_days as (

    select distinct
        machine_id,
        business_date
    from episode_hours

),

observed_days as (

    select
        episode_days.machine_id,
        episode_days.business_date,
        machine_days.is_weekend,
        count(*) as days_known
    from episode_days
    inner join machine_days
        on
            episode_days.machine_id = machine_days.machine_id
            and episode_days.business_date > machine_days.business_date
            and episode_days.business_date - 28 <= machine_days.business_date
    group by episode_days.machine_id, episode_days.business_date, machine_days.is_weekend

),

-- Hours of the pattern in which the slot was empty: no one could have bought. What began before the pattern is out of
-- reach.
empty_time_before as (

    select
        episode_hours.machine_id,
        episode_hours.slot_no,
        episode_hours.started_at,
        episode_hours.is_weekend,
        episode_hours.hour_of_day,
        sum(spell_hours.seconds_empty) as seconds_empty
    from episode_hours
    inner join spell_hours
        on
            episode_hours.machine_id = spell_hours.machine_id
            and episode_hours.slot_no = spell_hours.slot_no
            and episode_hours.is_weekend = spell_hours.is_weekend
            and episode_hours.hour_of_day = spell_hours.hour_of_day
            and episode_hours.started_at > spell_hours.started_at
            and episode_hours.business_date > spell_hours.empty_on
            and episode_hours.business_date - 28 <= spell_hours.business_date
    group by
        episode_hours.machine_id,
        episode_hours.slot_no,
        episode_hours.started_at,
        episode_hours.is_weekend,
        episode_hours.hour_of_day

),

sold_by_hour as (

    select
        machine_id,
        slot_no,
        business_date,
        {{ is_weekend('business_date') }} as is_weekend,
        extract(hour from sold_at) as hour_of_day,
        sum(units_sold) as units_sold
    from vends
    group by machine_id, slot_no, business_date, is_weekend, extract(hour from sold_at)

),

sold_before as (

    select
        episode_hours.machine_id,
        episode_hours.slot_no,
        episode_hours.started_at,
        episode_hours.is_weekend,
        episode_hours.hour_of_day,
        sum(sold_by_hour.units_sold) as units_sold
    from episode_hours
    inner join sold_by_hour
        on
            episode_hours.machine_id = sold_by_hour.machine_id
            and episode_hours.slot_no = sold_by_hour.slot_no
            and episode_hours.is_weekend = sold_by_hour.is_weekend
            and episode_hours.hour_of_day = sold_by_hour.hour_of_day
            and episode_hours.business_date > sold_by_hour.business_date
            and episode_hours.business_date - 28 <= sold_by_hour.business_date
    group by
        episode_hours.machine_id,
        episode_hours.slot_no,
        episode_hours.started_at,
        episode_hours.is_weekend,
        episode_hours.hour_of_day

),

-- Units an hour while there were any, times the hours without. An hour in which the slot hardly ever had units is
-- no evidence.
lost_units as (

    select
        episode_hours.machine_id,
        episode_hours.slot_no,
        episode_hours.started_at,
        sum(episode_hours.seconds_empty) as seconds_empty,
        sum(observed_days.days_known) as days_known,
        sum(
            case
                when observed_days.days_known * 3600 - coalesce(empty_time_before.seconds_empty, 0) >= 3600
                    then {{ safe_divide(
                        'sold_before.units_sold * episode_hours.seconds_empty',
                        'observed_days.days_known * 3600 - coalesce(empty_time_before.seconds_empty, 0)'
                    ) }}
            end
        ) as units_lost
    from episode_hours
    left join observed_days
        on
            episode_hours.machine_id = observed_days.machine_id
            and episode_hours.business_date = observed_days.business_date
            and episode_hours.is_weekend = observed_days.is_weekend
    left join empty_time_before
        on
            episode_hours.machine_id = empty_time_before.machine_id
            and episode_hours.slot_no = empty_time_before.slot_no
            and episode_hours.started_at = empty_time_before.started_at
            and episode_hours.is_weekend = empty_time_before.is_weekend
            and episode_hours.hour_of_day = empty_time_before.hour_of_day
    left join sold_before
        on
            episode_hours.machine_id = sold_before.machine_id
            and episode_hours.slot_no = sold_before.slot_no
            and episode_hours.started_at = sold_before.started_at
            and episode_hours.is_weekend = sold_before.is_weekend
            and episode_hours.hour_of_day = sold_before.hour_of_day
    group by episode_hours.machine_id, episode_hours.slot_no, episode_hours.started_at

),

episodes as (

    select
        spells.*,
        lost_units.seconds_empty,
        case
            when lost_units.seconds_empty is null then 0
            when lost_units.days_known is not null then coalesce(lost_units.units_lost, 0)
        end as units_lost
    from spells
    left join lost_units
        on
            spells.machine_id = lost_units.machine_id
            and spells.slot_no = lost_units.slot_no
            and spells.started_at = lost_units.started_at
    where {{ in_window('spells.business_date') }}

),

final as (

    select
        machine_id,
        slot_no,
        product_id,
        business_date,
        started_at,
        ended_at,
        ended_at is null as is_open,
        {{ safe_divide('coalesce(seconds_empty, 0)', '3600') }} as hours_empty,
        cast(units_lost as decimal(18, 4)) as units_lost,
        {{ round_yen('units_lost * last_price') }} as sales_lost,
        is_certain
    from episodes
    where is_confirmed or units_lost >= {{ var('units_missed_to_believe') }}

)

select * from final
