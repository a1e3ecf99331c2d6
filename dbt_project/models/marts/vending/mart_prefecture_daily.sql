{{ config(materialized='incremental', incremental_strategy='window') }}

with

machine_days as (

    select
        *,
        coalesce(prefecture, '不明') as known_prefecture
    from {{ ref('mart_machine_daily') }}
    where {{ in_window('business_date') }}

),

final as (

    select
        business_date,
        known_prefecture as prefecture,
        count(*) as machines,
        cast(sum(vends) as bigint) as vends,
        cast(sum(failed_attempts) as bigint) as failed_attempts,
        cast(sum(refunds) as bigint) as refunds,
        cast(sum(units_sold) as bigint) as units_sold,
        cast(sum(gross_amount) as bigint) as gross_amount,
        cast(sum(net_amount) as bigint) as net_amount,
        cast(sum(gross_margin) as bigint) as gross_margin,
        cast(sum(vends_without_margin) as bigint) as vends_without_margin,
        cast(sum(visits) as bigint) as visits,
        cast(sum(units_restocked) as bigint) as units_restocked,
        cast(sum(units_removed) as bigint) as units_removed,
        cast(sum(cash_collected) as bigint) as cash_collected
    from machine_days
    group by business_date, known_prefecture

)

select * from final
