{{ config(
    materialized='incremental',
    incremental_strategy='window',
    on_schema_change='append_new_columns',
    meta={'reach': {'days_before': 28}}
) }}

with

slot_days as (

    select * from {{ ref('fct_slot_inventory_daily') }}
    where {{ in_reach('business_date') }}

),

rhythms as (

    select * from {{ ref('int_machine_rhythms') }}
    where {{ in_window('business_date') }}

),

products as (

    select * from {{ ref('int_products_versioned') }}

),

-- A day counts as far as the slot had something to sell: until it ran empty, from when it was filled.
stocked_shares as (

    select
        machine_id,
        slot_no,
        product_id,
        business_date,
        {{ day_number('business_date') }} as day_number,
        {{ weekday_number('business_date') }} as weekday,
        units_sold,
        case
            when sum(units_sold) over (partition by machine_id, business_date) = 0 then 0
            when closing_units <= 0 and units_sold = 0 and units_added = 0 then 0
            when closing_units <= 0 and last_sold_at is not null
                then {{ safe_divide(second_of_day('last_sold_at'), '86400') }}
            when opening_units <= 0 and last_visit_at is not null
                then 1 - {{ safe_divide(second_of_day('last_visit_at'), '86400') }}
            else 1
        end as share_stocked
    from slot_days

),

-- Of what is in the slot now: another product sold otherwise.
weekday_sums as (

    select
        machine_id,
        slot_no,
        product_id,
        business_date,
        {%- for weekday in range(1, 8) %}
            cast(
                sum(case when weekday = {{ weekday }} then share_stocked else 0 end)
                    over ({{ last_days(28, 'machine_id, slot_no, product_id') }})
                as decimal(18, 4)
            ) as stocked_{{ weekday }},
        {%- endfor %}
        cast(sum(units_sold) over ({{ last_days(28, 'machine_id, slot_no, product_id') }}) as bigint) as units_sold
    from stocked_shares

),

-- The season: what a machine sells of hot or of cold products this week, against the four weeks.
temperature_days as (

    select
        stocked_shares.machine_id,
        products.temperature,
        stocked_shares.business_date,
        stocked_shares.day_number,
        sum(stocked_shares.units_sold) as units_sold,
        sum(stocked_shares.share_stocked) as share_stocked
    from stocked_shares
    left join products
        on
            stocked_shares.product_id = products.product_id
            and {{ valid_on('products', 'stocked_shares.business_date') }}
    group by stocked_shares.machine_id, products.temperature, stocked_shares.business_date, stocked_shares.day_number

),

temperature_weeks as (

    select
        machine_id,
        temperature,
        business_date,
        sum(units_sold) over ({{ last_days(7, 'machine_id, temperature') }}) as sold_in_week,
        sum(share_stocked) over ({{ last_days(7, 'machine_id, temperature') }}) as stocked_in_week,
        sum(units_sold) over ({{ last_days(28, 'machine_id, temperature') }}) as sold_in_four,
        sum(share_stocked) over ({{ last_days(28, 'machine_id, temperature') }}) as stocked_in_four
    from temperature_days

),

seasons as (

    select
        machine_id,
        temperature,
        business_date,
        coalesce(
            {{ safe_divide('sold_in_week * stocked_in_four', 'sold_in_four * stocked_in_week') }}, 1
        ) as week_against_four
    from temperature_weeks

),

-- Days of the four weeks on which it could be bought, each weighted by its weekday at the machine.
weighted_slots as (

    select
        weekday_sums.machine_id,
        weekday_sums.slot_no,
        weekday_sums.product_id,
        weekday_sums.business_date,
        weekday_sums.units_sold,
        products.temperature,
        products.list_price,
        {%- for weekday in range(1, 8) %}
            {{ "+ " if not loop.first }}weekday_sums.stocked_{{ weekday }} * rhythms.index_{{ weekday }}
        {%- endfor %} as days_stocked,
        {{ safe_divide('rhythms.units_sold', 'rhythms.days_sold') }} as machine_units_per_day,
        count(*) over (partition by weekday_sums.machine_id, weekday_sums.business_date) as slots
    from weekday_sums
    inner join rhythms
        on
            weekday_sums.machine_id = rhythms.machine_id
            and weekday_sums.business_date = rhythms.business_date
    left join products
        on
            weekday_sums.product_id = products.product_id
            and {{ valid_on('products', 'weekday_sums.business_date') }}

),

final as (

    select
        weighted_slots.machine_id,
        weighted_slots.slot_no,
        weighted_slots.product_id,
        weighted_slots.business_date,
        weighted_slots.list_price,
        weighted_slots.days_stocked,
        cast(
            case
                when seasons.week_against_four < {{ var('season_at_least') }} then {{ var('season_at_least') }}
                when seasons.week_against_four > {{ var('season_at_most') }} then {{ var('season_at_most') }}
                else coalesce(seasons.week_against_four, 1)
            end as decimal(18, 4)
        ) as season_factor,
        -- One day of an average slot of the machine besides, so that a slot without history has a value.
        {{ safe_divide(
            'weighted_slots.units_sold + coalesce('
            ~ safe_divide('weighted_slots.machine_units_per_day', 'weighted_slots.slots') ~ ', 0)',
            'weighted_slots.days_stocked + 1'
        ) }} as units_per_average_day
    from weighted_slots
    left join seasons
        on
            weighted_slots.machine_id = seasons.machine_id
            and weighted_slots.business_date = seasons.business_date
            and weighted_slots.temperature is not distinct from seasons.temperature

)

select * from final
