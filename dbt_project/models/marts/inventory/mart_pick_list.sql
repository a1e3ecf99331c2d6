{{ config(materialized='incremental', incremental_strategy='window') }}

with

recommendations as (

    select * from {{ ref('mart_replenishment_recommendation') }}
    where
        {{ in_window('business_date') }}
        and is_visit_recommended
        and units_to_load > 0

),

products as (

    select * from {{ ref('int_products_versioned') }}

),

case_sizes as (

    select * from {{ ref('case_sizes') }}

),

machines as (

    select
        route_id,
        business_date,
        product_id,
        machine_id,
        sum(units_to_load) as units_to_load,
        {{ joined_text("slot_no || 'x' || cast(units_to_load as varchar)", ' ', 'slot_no') }} as slots
    from recommendations
    group by route_id, business_date, product_id, machine_id

),

routes as (

    select
        route_id,
        business_date,
        product_id,
        sum(units_to_load) as units_to_load,
        count(*) as machines,
        {{ joined_text("machine_id || ' ' || slots", ' / ', 'machine_id') }} as machine_detail
    from machines
    group by route_id, business_date, product_id

),

routes_with_case_size as (

    select
        routes.*,
        products.product_name,
        coalesce(case_sizes.units_per_case, {{ var('units_per_case') }}) as units_per_case
    from routes
    left join products
        on
            routes.product_id = products.product_id
            and {{ valid_on('products', 'routes.business_date') }}
    left join case_sizes
        on products.category_id = case_sizes.category_id

),

case_counts as (

    select
        *,
        cast(floor({{ safe_divide('units_to_load', 'units_per_case') }}) as bigint) as cases
    from routes_with_case_size

),

final as (

    select
        route_id,
        business_date,
        product_id,
        product_name,
        cast(units_to_load as bigint) as units_to_load,
        cases,
        cast(units_to_load - cases * units_per_case as bigint) as loose_units,
        cast(units_per_case as bigint) as units_per_case,
        cast(machines as bigint) as machines,
        cast(machine_detail as varchar) as machine_detail
    from case_counts

)

select * from final
