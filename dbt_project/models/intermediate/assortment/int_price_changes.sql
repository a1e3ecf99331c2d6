{{ config(materialized='incremental', incremental_strategy='window', on_schema_change='append_new_columns') }}

with

prices as (

    select * from {{ ref('int_product_prices') }}
    where {{ in_reach('business_date') }}

),

usual_prices as (

    select
        product_id,
        business_date,
        unit_price,
        lag(unit_price) over (partition by product_id order by business_date) as price_of_day_before,
        lag(business_date) over (partition by product_id order by business_date) as day_before
    from prices
    where is_usual

),

price_switches as (

    select
        product_id,
        business_date,
        unit_price
    from usual_prices
    where
        unit_price <> price_of_day_before
        and business_date - day_before <= 7

),

-- The week before the day, and the week that begins with it.
week_prices as (

    select
        price_switches.product_id,
        price_switches.business_date,
        price_switches.unit_price as new_price,
        prices.unit_price,
        sum(case when prices.business_date < price_switches.business_date then prices.vends else 0 end) as vends_before,
        sum(case when prices.business_date >= price_switches.business_date then prices.vends else 0 end) as vends_after
    from price_switches
    inner join prices
        on
            price_switches.product_id = prices.product_id
            and prices.business_date between price_switches.business_date - 7 and price_switches.business_date + 6
    group by price_switches.product_id, price_switches.business_date, price_switches.unit_price, prices.unit_price

),

ranked_prices as (

    select
        *,
        row_number() over (
            partition by product_id, business_date
            order by vends_before desc, unit_price desc
        ) as place_before,
        row_number() over (
            partition by product_id, business_date
            order by vends_after desc, unit_price desc
        ) as place_after
    from week_prices

),

confirmed as (

    select
        product_id,
        business_date,
        new_price,
        max(case when place_before = 1 then unit_price end) as price_before,
        max(case when place_after = 1 then unit_price end) as price_after
    from ranked_prices
    group by product_id, business_date, new_price
    having
        max(case when place_after = 1 then unit_price end) = new_price
        and max(case when place_before = 1 then unit_price end) <> new_price

),

-- A day at the old price within the first week, and the switch back from it, are not a second change.
final as (

    select
        confirmed.product_id,
        confirmed.business_date,
        cast(confirmed.price_before as bigint) as price_before,
        cast(confirmed.price_after as bigint) as price_after
    from confirmed
    left join confirmed as earlier
        on
            confirmed.product_id = earlier.product_id
            and confirmed.price_after = earlier.price_after
            and earlier.business_date between confirmed.business_date - 7 and confirmed.business_date - 1
    where
        {{ in_window('confirmed.business_date') }}
        and earlier.product_id is null

)

select * from final
