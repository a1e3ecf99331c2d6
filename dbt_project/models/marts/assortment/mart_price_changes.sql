{{ config(materialized='incremental', incremental_strategy='window') }}

with

changes as (

    select * from {{ ref('int_price_changes') }}
    where {{ in_window('business_date') }}

),

peers as (

    select * from {{ ref('int_price_change_peers') }}
    where {{ in_window('business_date') }}

),

prices as (

    select * from {{ ref('int_product_prices') }}
    where {{ in_reach('business_date') }}

),

sales as (

    select * from {{ ref('fct_sales') }}
    where
        {{ in_reach('business_date') }}
        and units_sold > 0

),

products as (

    select * from {{ ref('int_products_versioned') }}

),

-- A day counts, for every product, if anything was sold anywhere on it.
days as (

    select distinct business_date
    from prices

),

product_days as (

    select
        product_id,
        business_date,
        sum(units_sold) as units_sold,
        sum(sales_with_tax) as sales_with_tax
    from prices
    group by product_id, business_date

),

measurements as (

    select
        changes.product_id,
        changes.business_date,
        sum(case when days.business_date < changes.business_date then 1 else 0 end) as days_before,
        sum(case when days.business_date >= changes.business_date then 1 else 0 end) as days_after,
        sum(case when days.business_date < changes.business_date then product_days.units_sold end) as units_before,
        sum(case when days.business_date >= changes.business_date then product_days.units_sold end) as units_after,
        sum(case when days.business_date < changes.business_date then product_days.sales_with_tax end) as sales_before,
        sum(case when days.business_date >= changes.business_date then product_days.sales_with_tax end) as sales_after
    from changes
    inner join days
        on days.business_date between changes.business_date - 28 and changes.business_date + 27
    left join product_days
        on
            changes.product_id = product_days.product_id
            and days.business_date = product_days.business_date
    group by changes.product_id, changes.business_date

),

-- What each machine charged most often since.
charged as (

    select
        changes.product_id,
        changes.business_date,
        changes.price_after,
        sales.machine_id,
        sales.unit_price,
        sum(sales.units_sold) as units_sold,
        row_number() over (
            partition by changes.product_id, changes.business_date, sales.machine_id
            order by count(*) desc, sales.unit_price desc
        ) as place
    from changes
    inner join sales
        on
            changes.product_id = sales.product_id
            and sales.business_date between changes.business_date and changes.business_date + 27
    group by
        changes.product_id, changes.business_date, changes.price_after, sales.machine_id, sales.unit_price

),

compared as (

    select
        *,
        row_number() over (
            partition by product_id, business_date
            order by
                case when unit_price <> price_after then 1 else 0 end desc,
                units_sold desc,
                machine_id desc
        ) as off_place
    from charged
    where place = 1

),

machines as (

    select
        product_id,
        business_date,
        count(*) as machines,
        sum(case when unit_price <> price_after then 1 else 0 end) as machines_off,
        max(case when off_place = 1 and unit_price <> price_after then machine_id end) as worst_machine_id,
        max(case when off_place = 1 and unit_price <> price_after then unit_price end) as worst_machine_price
    from compared
    group by product_id, business_date

),

averaged as (

    select
        measurements.*,
        peers.product_name,
        peers.category_id,
        peers.list_price,
        peers.peers,
        coalesce({{ safe_divide('measurements.units_before', 'measurements.days_before') }}, 0) as units_per_day_before,
        coalesce({{ safe_divide('measurements.units_after', 'measurements.days_after') }}, 0) as units_per_day_after,
        coalesce({{ safe_divide('measurements.sales_before', 'measurements.days_before') }}, 0) as sales_per_day_before,
        coalesce({{ safe_divide('measurements.sales_after', 'measurements.days_after') }}, 0) as sales_per_day_after,
        coalesce({{ safe_divide('peers.units_before', 'measurements.days_before') }}, 0) as peer_units_per_day_before,
        coalesce({{ safe_divide('peers.units_after', 'measurements.days_after') }}, 0) as peer_units_per_day_after
    from measurements
    inner join peers
        on
            measurements.product_id = peers.product_id
            and measurements.business_date = peers.business_date

),

rated as (

    select
        *,
        {{ safe_divide('units_per_day_after - units_per_day_before', 'units_per_day_before') }} as units_change_rate,
        {{ safe_divide('sales_per_day_after - sales_per_day_before', 'sales_per_day_before') }} as sales_change_rate,
        {{ safe_divide('peer_units_per_day_after - peer_units_per_day_before', 'peer_units_per_day_before') }}
            as peer_units_change_rate
    from averaged

),

final as (

    select
        changes.product_id,
        changes.business_date,
        rated.product_name,
        rated.category_id,
        changes.price_before,
        changes.price_after,
        {{ safe_divide('changes.price_after - changes.price_before', 'changes.price_before') }} as price_change_rate,
        cast(products_before.list_price as bigint) as list_price_before,
        cast(rated.list_price as bigint) as list_price_after,
        coalesce(rated.list_price = changes.price_after, false) as is_list_price,
        cast(rated.days_before as bigint) as days_before,
        cast(rated.days_after as bigint) as days_after,
        cast(coalesce(rated.units_before, 0) as bigint) as units_before,
        cast(coalesce(rated.units_after, 0) as bigint) as units_after,
        cast(coalesce(rated.sales_before, 0) as bigint) as sales_before,
        cast(coalesce(rated.sales_after, 0) as bigint) as sales_after,
        rated.units_per_day_before,
        rated.units_per_day_after,
        rated.sales_per_day_before,
        rated.sales_per_day_after,
        rated.units_change_rate,
        rated.sales_change_rate,
        rated.peers,
        rated.peer_units_per_day_before,
        rated.peer_units_per_day_after,
        rated.peer_units_change_rate,
        cast(rated.units_change_rate - rated.peer_units_change_rate as decimal(18, 4)) as units_change_beyond_peers,
        cast(machines.machines as bigint) as machines_after,
        cast(machines.machines_off as bigint) as machines_off_price,
        machines.worst_machine_id,
        cast(machines.worst_machine_price as bigint) as worst_machine_price
    from changes
    inner join rated
        on
            changes.product_id = rated.product_id
            and changes.business_date = rated.business_date
    inner join machines
        on
            changes.product_id = machines.product_id
            and changes.business_date = machines.business_date
    left join products as products_before
        on
            changes.product_id = products_before.product_id
            and {{ valid_on('products_before', 'changes.business_date - 1') }}

)

select * from final
