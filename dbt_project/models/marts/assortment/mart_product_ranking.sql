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

sold as (

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

restocked as (

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

moved as (

    select * from sold
    union all
    select * from restocked

),

segmented as (

    select
        *,
        'all' as segment_type,
        'all' as segment_value
    from moved
    {% for segment_type in segment_types -%}
        union all
        select
            *,
            '{{ segment_type }}' as segment_type,
            coalesce({{ segment_type }}, 'unknown') as segment_value
        from moved
    {% endfor %}

),

summed as (

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
    from segmented
    group by product_id, month_start, segment_type, segment_value

),

segments as (

    select
        month_start,
        segment_type,
        segment_value,
        count(distinct case when units_sold > 0 then machine_id end) as machines_selling
    from segmented
    group by month_start, segment_type, segment_value

),

ranked as (

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
    from summed

),

rated as (

    select
        ranked.*,
        segments.machines_selling,
        {{ safe_divide('ranked.machines_sold', 'segments.machines_selling') }} as spread,
        {{ safe_divide('ranked.margin_without_tax', 'ranked.sales_with_margin') }} as margin_rate_without_tax,
        {{ safe_divide('ranked.segment_margin', 'ranked.segment_amount_with_margin') }} as segment_margin_rate,
        {{ safe_divide('ranked.units_sold', 'ranked.units_restocked') }} as sell_through,
        {{ safe_divide('ranked.sales_with_tax', 'ranked.segment_amount') }} as sales_share,
        {{ safe_divide('ranked.cumulative_amount', 'ranked.segment_amount') }} as cumulative_share,
        {{ safe_divide('ranked.cumulative_amount - ranked.sales_with_tax', 'ranked.segment_amount') }} as share_before
    from ranked
    inner join segments
        on
            ranked.month_start = segments.month_start
            and ranked.segment_type = segments.segment_type
            and ranked.segment_value = segments.segment_value

),

classed as (

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
    from rated

),

final as (

    select
        classed.product_id,
        classed.month_start as business_date,
        classed.segment_type,
        classed.segment_value,
        products.product_name,
        products.category_id,
        cast(classed.machines_sold as bigint) as machines_sold,
        cast(classed.machines_selling as bigint) as machines_in_segment,
        cast(classed.units_sold as bigint) as units_sold,
        cast(classed.sales_with_tax as bigint) as sales_with_tax,
        cast(classed.margin_without_tax as decimal(18, 6)) as margin_without_tax,
        classed.margin_rate_without_tax,
        cast(classed.units_restocked as bigint) as units_restocked,
        cast(classed.units_removed as bigint) as units_removed,
        classed.sell_through,
        cast(classed.sales_rank as bigint) as sales_rank,
        classed.sales_share,
        classed.cumulative_share,
        classed.abc_class,
        case
            when classed.units_sold = 0 then 'take it out: nothing was sold'
            when classed.abc_class = 'A' and classed.is_seldom_offered then 'offer it at more machines'
            when classed.abc_class = 'A' and classed.earns_little then 'keep it, and look at its price and its cost'
            when classed.abc_class = 'A' then 'keep it filled'
            when classed.abc_class = 'B' and classed.stays then 'load less of it'
            when classed.abc_class = 'B' and classed.earns_little then 'look at its price and its cost'
            when classed.abc_class = 'B' then 'keep it'
            when classed.stays then 'take it out: less than half of what is loaded is sold'
            when classed.earns_little then 'replace it: it sells little and earns little'
            else 'try another product where it sells least'
        end as suggested_action
    from classed
    left join products
        on
            classed.product_id = products.product_id
            and {{ valid_on('products', 'classed.last_day_anywhere') }}

)

select * from final
