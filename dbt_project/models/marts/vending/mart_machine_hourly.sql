{{ config(materialized='incremental', incremental_strategy='window') }}

with

sales as (

    select * from {{ ref('fct_sales') }}
    where {{ in_window('business_date') }}

),

-- A vend just past midnight may be in the file of the day that ended: it counts for that day's last hour.
sales_with_hour as (

    select
        machine_id,
        business_date,
        case
            when sold_at < cast(business_date as timestamp) then 0
            when cast(sold_at as date) > business_date then 23
            else extract(hour from sold_at)
        end as hour_of_day,
        status,
        units_sold,
        sales_with_tax
    from sales

),

final as (

    select
        machine_id,
        business_date,
        cast(hour_of_day as bigint) as hour_of_day,
        cast(sum(case when status = 'completed' then 1 else 0 end) as bigint) as vends,
        cast(sum(units_sold) as bigint) as units_sold,
        cast(sum(sales_with_tax) as bigint) as sales_with_tax
    from sales_with_hour
    group by machine_id, business_date, hour_of_day

)

select * from final
