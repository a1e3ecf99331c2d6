{{ config(materialized='incremental', incremental_strategy='window') }}

with

replenishments as (

    select * from {{ ref('fct_replenishments') }}
    where {{ in_window('business_date') }}

),

products as (

    select * from {{ ref('int_products_versioned') }}

),

-- A product change is no waste: what is taken out goes on to another machine. What was removed without a reason is.
totals as (

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
        totals.product_id,
        totals.machine_id,
        totals.business_date,
        products.product_name,
        products.category_id,
        cast(totals.units_added as bigint) as units_added,
        cast(totals.units_removed as bigint) as units_removed,
        cast(totals.units_expired as bigint) as units_expired,
        cast(totals.units_damaged as bigint) as units_damaged,
        cast(totals.units_recalled as bigint) as units_recalled,
        cast(totals.units_changed as bigint) as units_changed,
        cast(totals.units_without_reason as bigint) as units_without_reason,
        cast(totals.units_removed - totals.units_changed as bigint) as units_wasted,
        cast(coalesce(totals.waste_cost_without_tax, 0) as decimal(18, 6)) as waste_cost_without_tax,
        cast(totals.units_without_cost as bigint) as units_without_cost,
        {{ safe_divide('totals.units_removed - totals.units_changed', 'totals.units_added') }} as share_of_added
    from totals
    left join products
        on
            totals.product_id = products.product_id
            and {{ valid_on('products', last_day_of_month('totals.business_date')) }}

)

select * from final
