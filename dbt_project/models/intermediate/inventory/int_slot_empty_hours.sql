with

spells as (

    select * from {{ ref('int_slot_empty_spells') }}

),

machines as (

    select * from {{ ref('int_machines_versioned') }}

),

selling_hours as (

    select * from {{ ref('selling_hours') }}

),

numbers as (

    {{ numbers(var('days_a_stockout_is_followed') | int + 1) }}

),

-- A spell's days, and from which to which second of each it lasted.
spell_days as (

    select
        spells.machine_id,
        spells.slot_no,
        spells.business_date,
        spells.started_at,
        machines.location_type,
        cast(spells.started_at as date) + numbers.number as empty_on,
        case when numbers.number = 0 then {{ second_of_day('spells.started_at') }} else 0 end as from_second,
        case
            when cast(spells.started_at as date) + numbers.number = cast(spells.empty_until as date)
                then {{ second_of_day('spells.empty_until') }}
            else 86400
        end as to_second
    from spells
    inner join numbers
        on cast(spells.empty_until as date) - cast(spells.started_at as date) >= numbers.number
    left join machines
        on
            spells.machine_id = machines.machine_id
            and {{ valid_on('machines', 'spells.business_date') }}

),

-- The same by the hour, inside the selling hours.
final as (

    select
        spell_days.machine_id,
        spell_days.slot_no,
        spell_days.business_date,
        spell_days.started_at,
        spell_days.empty_on,
        cast(numbers.number as bigint) as hour_of_day,
        {{ is_weekend('spell_days.empty_on') }} as is_weekend,
        {{ smaller('spell_days.to_second', '(numbers.number + 1) * 3600') }}
        - {{ larger('spell_days.from_second', 'numbers.number * 3600') }} as seconds_empty
    from spell_days
    inner join numbers
        on
            numbers.number < 24
            and spell_days.from_second < (numbers.number + 1) * 3600
            and spell_days.to_second > numbers.number * 3600
    left join selling_hours
        on
            spell_days.location_type = selling_hours.location_type
            and {{ is_weekend('spell_days.empty_on') }} = selling_hours.is_weekend
    where
        selling_hours.location_type is null
        or (numbers.number >= selling_hours.opens_at_hour and numbers.number < selling_hours.closes_at_hour)

)

select * from final
