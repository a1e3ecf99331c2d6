{{ config(materialized='incremental', incremental_strategy='window') }}

with

replenishments as (

    select * from {{ ref('fct_replenishments') }}
    where {{ in_window('business_date') }}

),

products as (

    select * from {{ ref('int_products_versioned') }}

),

-- A product change is not waste: what is taken out goes to another machine. What was removed without a reason is waste.
waste as (

    select
        product_id,
        machine_id,
        {{ month_of('business_date') }} as business_date,
        sum(quantity_added) as units_added,
        sum(quantity_removed) as units_removed,
        sum(case when removal_reason = 'expired' then quantity_removed else 0 end) as units_expired,
        sum(case when removal_reason = 'damaged' then quantity_removed else 0 end) as units_damaged,
        sum(case when removal_reason = 'recall' then quantity_removed else 0 end) as units_recalled,
        sum(case when removal_reason = 'product_change' then quantity_removed else 0 end) as units_changed,
        sum(case when removal_reason is null then quantity_removed else 0 end) as units_without_reason,
        sum(
            case when removal_reason = 'product_change' then 0 else removed_cost_without_tax end
        ) as waste_cost_without_tax,
        sum(
            case
                when removed_cost_without_tax is null and (removal_reason is null or removal_reason <> 'product_change')
                    then quantity_removed
                else 0
            end
        ) as units_without_cost
    from replenishments
    group by product_id, machine_id, {{ month_of('business_date') }}

),

final as (

    select
        waste.product_id,
        waste.machine_id,
        waste.business_date,
        products.product_name,
        products.category_id,
        cast(waste.units_added as bigint) as units_added,
        cast(waste.units_removed as bigint) as units_removed,
        cast(waste.units_expired as bigint) as units_expired,
        cast(waste.units_damaged as bigint) as units_damaged,
        cast(waste.units_recalled as bigint) as units_recalled,
        cast(waste.units_changed as bigint) as units_changed,
        cast(waste.units_without_reason as bigint) as units_without_reason,
        cast(waste.units_removed - waste.units_changed as bigint) as units_wasted,
        cast(coalesce(waste.waste_cost_without_tax, 0) as decimal(18, 6)) as waste_cost_without_tax,
        cast(waste.units_without_cost as bigint) as units_without_cost,
        {{ safe_divide('waste.units_removed - waste.units_changed', 'waste.units_added') }} as share_of_added
    from waste
    left join products
        on
            waste.product_id = products.product_id
            and {{ valid_on('products', last_day_of_month('waste.business_date')) }}

)

select * from final
