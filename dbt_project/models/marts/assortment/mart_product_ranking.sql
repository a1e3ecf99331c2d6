{{ config(materialized='incremental', incremental_strategy='window') }}

{% set segment_types = ['prefecture', 'location_type', 'temperature'] %}

with

sales as (

    select * from {{ ref('fct_sales') }}
    where {{ in_window('business_date') }}

),

replenishments as (

    select * from {{ ref('fct_replenishments') }}
    where {{ in_window('business_date') }}

),

machines as (

    select * from {{ ref('int_machines_versioned') }}

),

products as (

    select * from {{ ref('int_products_versioned') }}

),

sold_units as (

    select
        sales.product_id,
        {{ month_of('sales.business_date') }} as month_start,
        sales.machine_id,
        sales.prefecture,
        sales.location_type,
        products.temperature,
        max(sales.business_date) as last_day,
        sum(sales.units_sold) as units_sold,
        sum(sales.sales_with_tax) as sales_with_tax,
        sum(sales.margin_without_tax) as margin_without_tax,
        sum(case when sales.margin_without_tax is not null then sales.sales_without_tax end) as sales_with_margin,
        0 as units_restocked,
        0 as units_removed
    from sales
    left join products
        on
            sales.product_id = products.product_id
            and {{ valid_on('products', 'sales.business_date') }}
    group by
        sales.product_id,
        {{ month_of('sales.business_date') }},
        sales.machine_id,
        sales.prefecture,
        sales.location_type,
        products.temperature

),

restocked_units as (

    select
        replenishments.product_id,
        {{ month_of('replenishments.business_date') }} as month_start,
        replenishments.machine_id,
        machines.prefecture,
        machines.location_type,
        products.temperature,
        max(replenishments.business_date) as last_day,
        0 as units_sold,
        0 as sales_with_tax,
        0 as margin_without_tax,
        0 as sales_with_margin,
        sum(replenishments.quantity_added) as units_restocked,
        sum(replenishments.quantity_removed) as units_removed
    from replenishments
    left join machines
        on
            replenishments.machine_id = machines.machine_id
            and {{ valid_on('machines', 'replenishments.business_date') }}
    left join products
        on
            replenishments.product_id = products.product_id
            and {{ valid_on('products', 'replenishments.business_date') }}
    group by
        replenishments.product_id,
        {{ month_of('replenishments.business_date') }},
        replenishments.machine_id,
        machines.prefecture,
        machines.location_type,
        products.temperature

),

movements as (

    select * from sold_units
    union all
    select * from restocked_units

),

segment_movements as (

    select
        *,
        'all' as segment_type,
        'all' as segment_value
    from movements
    {% for segment_type in segment_types -%}
        union all
        select
            *,
            '{{ segment_type }}' as segment_type,
            coalesce({{ segment_type }}, 'unknown') as segment_value
        from movements
    {% endfor %}

),

segment_totals as (

    select
        product_id,
        month_start,
        segment_type,
        segment_value,
        max(last_day) as last_day,
        count(distinct case when units_sold > 0 then machine_id end) as machines_sold,
        sum(units_sold) as units_sold,
        sum(sales_with_tax) as sales_with_tax,
        coalesce(sum(margin_without_tax), 0) as margin_without_tax,
        sum(sales_with_margin) as sales_with_margin,
        sum(units_restocked) as units_restocked,
        sum(units_removed) as units_removed
    from segment_movements
    group by product_id, month_start, segment_type, segment_value

),

segment_sizes as (

    select
        month_start,
        segment_type,
        segment_value,
        count(distinct case when units_sold > 0 then machine_id end) as machines_selling
    from segment_movements
    group by month_start, segment_type, segment_value

),

ranking as (

    select
        *,
        max(last_day) over (partition by product_id, month_start) as last_day_anywhere,
        row_number() over (
            partition by month_start, segment_type, segment_value
            order by sales_with_tax desc, margin_without_tax desc, product_id asc
        ) as sales_rank,
        sum(sales_with_tax) over (
            partition by month_start, segment_type, segment_value
            order by sales_with_tax desc, margin_without_tax desc, product_id asc
            rows between unbounded preceding and current row
        ) as cumulative_amount,
        sum(sales_with_tax) over (partition by month_start, segment_type, segment_value) as segment_amount,
        sum(margin_without_tax) over (partition by month_start, segment_type, segment_value) as segment_margin,
        sum(sales_with_margin) over (
            partition by month_start, segment_type, segment_value
        ) as segment_amount_with_margin
    from segment_totals

),

rates as (

    select
        ranking.*,
        segment_sizes.machines_selling,
        {{ safe_divide('ranking.machines_sold', 'segment_sizes.machines_selling') }} as spread,
        {{ safe_divide('ranking.margin_without_tax', 'ranking.sales_with_margin') }} as margin_rate_without_tax,
        {{ safe_divide('ranking.segment_margin', 'ranking.segment_amount_with_margin') }} as segment_margin_rate,
        {{ safe_divide('ranking.units_sold', 'ranking.units_restocked') }} as sell_through,
        {{ safe_divide('ranking.sales_with_tax', 'ranking.segment_amount') }} as sales_share,
        {{ safe_divide('ranking.cumulative_amount', 'ranking.segment_amount') }} as cumulative_share,
        {{ safe_divide(
            'ranking.cumulative_amount - ranking.sales_with_tax', 'ranking.segment_amount'
        ) }} as share_before
    from ranking
    inner join segment_sizes
        on
            ranking.month_start = segment_sizes.month_start
            and ranking.segment_type = segment_sizes.segment_type
            and ranking.segment_value = segment_sizes.segment_value

),

classes as (

    select
        *,
        case
            when sales_with_tax > 0 and share_before < 0.7 then 'A'
            when sales_with_tax > 0 and share_before < 0.9 then 'B'
            else 'C'
        end as abc_class,
        spread < {{ var('seldom_offered_below') }} as is_seldom_offered,
        coalesce(sell_through < {{ var('stays_below') }}, false) as stays,
        coalesce(margin_rate_without_tax < {{ var('earns_little_below') }} * segment_margin_rate, false) as earns_little
    from rates

),

final as (

    select
        classes.product_id,
        classes.month_start as business_date,
        classes.segment_type,
        classes.segment_value,
        products.product_name,
        products.category_id,
        cast(classes.machines_sold as bigint) as machines_sold,
        cast(classes.machines_selling as bigint) as machines_in_segment,
        cast(classes.units_sold as bigint) as units_sold,
        cast(classes.sales_with_tax as bigint) as sales_with_tax,
        cast(classes.margin_without_tax as decimal(18, 6)) as margin_without_tax,
        classes.margin_rate_without_tax,
        cast(classes.units_restocked as bigint) as units_restocked,
        cast(classes.units_removed as bigint) as units_removed,
        classes.sell_through,
        cast(classes.sales_rank as bigint) as sales_rank,
        classes.sales_share,
        classes.cumulative_share,
        classes.abc_class,
        case
            when classes.units_sold = 0 then 'take it out: nothing was sold'
            when classes.abc_class = 'A' and classes.is_seldom_offered then 'offer it at more machines'
            when classes.abc_class = 'A' and classes.earns_little then 'keep it, and look at its price and its cost'
            when classes.abc_class = 'A' then 'keep it filled'
            when classes.abc_class = 'B' and classes.stays then 'load less of it'
            when classes.abc_class = 'B' and classes.earns_little then 'look at its price and its cost'
            when classes.abc_class = 'B' then 'keep it'
            when classes.stays then 'take it out: less than half of what is loaded is sold'
            when classes.earns_little then 'replace it: it sells little and earns little'
            else 'try another product where it sells least'
        end as suggested_action
    from classes
    left join products
        on
            classes.product_id = products.product_id
            and {{ valid_on('products', 'classes.last_day_anywhere') }}

)

select * from final
