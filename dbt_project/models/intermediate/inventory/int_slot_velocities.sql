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
shares as (

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
summed as (

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
    from shares

),

-- The season: what a machine sells of hot or of cold products this week, against the four weeks.
temperature_days as (

    select
        shares.machine_id,
        products.temperature,
        shares.business_date,
        shares.day_number,
        sum(shares.units_sold) as units_sold,
        sum(shares.share_stocked) as share_stocked
    from shares
    left join products
        on
            shares.product_id = products.product_id
            and {{ valid_on('products', 'shares.business_date') }}
    group by shares.machine_id, products.temperature, shares.business_date, shares.day_number

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

-- Days of the four weeks on which it could be bought, each worth what its weekday is to the machine.
weighted as (

    select
        summed.machine_id,
        summed.slot_no,
        summed.product_id,
        summed.business_date,
        summed.units_sold,
        products.temperature,
        products.list_price,
        {%- for weekday in range(1, 8) %}
            {{ "+ " if not loop.first }}summed.stocked_{{ weekday }} * rhythms.index_{{ weekday }}
        {%- endfor %} as days_stocked,
        {{ safe_divide('rhythms.units_sold', 'rhythms.days_sold') }} as machine_units_per_day,
        count(*) over (partition by summed.machine_id, summed.business_date) as slots
    from summed
    inner join rhythms
        on
            summed.machine_id = rhythms.machine_id
            and summed.business_date = rhythms.business_date
    left join products
        on
            summed.product_id = products.product_id
            and {{ valid_on('products', 'summed.business_date') }}

),

final as (

    select
        weighted.machine_id,
        weighted.slot_no,
        weighted.product_id,
        weighted.business_date,
        weighted.list_price,
        weighted.days_stocked,
        cast(
            case
                when seasons.week_against_four < {{ var('season_at_least') }} then {{ var('season_at_least') }}
                when seasons.week_against_four > {{ var('season_at_most') }} then {{ var('season_at_most') }}
                else coalesce(seasons.week_against_four, 1)
            end as decimal(18, 4)
        ) as season_factor,
        -- One day of an average slot of the machine besides, so that a slot that nobody knows yet has a figure.
        {{ safe_divide(
            'weighted.units_sold + coalesce(' ~ safe_divide('weighted.machine_units_per_day', 'weighted.slots') ~ ', 0)',
            'weighted.days_stocked + 1'
        ) }} as units_per_average_day
    from weighted
    left join seasons
        on
            weighted.machine_id = seasons.machine_id
            and weighted.business_date = seasons.business_date
            and weighted.temperature is not distinct from seasons.temperature

)

select * from final
