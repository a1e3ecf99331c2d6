{{ config(materialized='incremental', incremental_strategy='window') }}

with

months as (

    select * from {{ ref('mart_library_monthly') }}
    where {{ in_reach('business_date') }}

),

ends as (

    select distinct business_date from months
    where {{ in_window('business_date') }}

)

select
    ends.business_date,
    cast(sum(months.loans) as bigint) as loans
from ends
inner join months
    on
        datediff('month', months.business_date, ends.business_date) >= 0
        and datediff('month', months.business_date, ends.business_date) <= 2
group by ends.business_date
