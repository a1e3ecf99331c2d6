{{ config(materialized='incremental', incremental_strategy='window') }}

with

machine_days as (

    select
        *,
        coalesce(prefecture, '不明') as known_prefecture
    from {{ ref('mart_machine_daily') }}
    where {{ in_window('business_date') }}

),

prefecture_totals as (

    select
        business_date,
        known_prefecture as prefecture,
        count(*) as machines,
        sum(vends) as vends,
        sum(failed_attempts) as failed_attempts,
        sum(refunds) as refunds,
        sum(units_sold) as units_sold,
        sum(sales_with_tax) as sales_with_tax,
        sum(net_sales_without_tax) as net_sales_without_tax,
        sum(margin_without_tax) as margin_without_tax,
        sum(vends_without_margin) as vends_without_margin,
        sum(visits) as visits,
        sum(units_restocked) as units_restocked,
        sum(units_removed) as units_removed,
        sum(cash_collected) as cash_collected
    from machine_days
    group by business_date, known_prefecture

),

-- The day at a glance is in whole yen; its prefectures add up to the day.
final as (

    select
        business_date,
        prefecture,
        machines,
        cast(vends as bigint) as vends,
        cast(failed_attempts as bigint) as failed_attempts,
        cast(refunds as bigint) as refunds,
        cast(units_sold as bigint) as units_sold,
        cast(sales_with_tax as bigint) as sales_with_tax,
        {{ share_to_the_yen('net_sales_without_tax', partition_by='business_date', order_by='prefecture') }}
            as net_sales_without_tax,
        {{ share_to_the_yen('margin_without_tax', partition_by='business_date', order_by='prefecture') }}
            as margin_without_tax,
        cast(vends_without_margin as bigint) as vends_without_margin,
        cast(visits as bigint) as visits,
        cast(units_restocked as bigint) as units_restocked,
        cast(units_removed as bigint) as units_removed,
        cast(cash_collected as bigint) as cash_collected
    from prefecture_totals

)

select * from final
