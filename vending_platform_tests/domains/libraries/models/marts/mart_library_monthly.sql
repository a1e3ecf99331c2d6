{{ config(materialized='incremental', incremental_strategy='window') }}

with

loans as (

    select * from {{ ref('stg_libraries__loans') }}
    where {{ in_window('business_date') }}

),

returns as (

    select * from {{ ref('stg_libraries__returns') }}
    where {{ in_window('business_date') }}

)

select
    loans.business_date,
    loans.library,
    count(*) as loans,
    cast(sum(loans.deposit) as decimal(18, 2)) as deposits,
    count(returns.loan_id) as returned_in_the_month,
    cast(coalesce(sum(returns.fine), 0) as decimal(18, 2)) as fines
from loans
left join returns
    on
        loans.loan_id = returns.loan_id
        and loans.business_date = returns.business_date
group by loans.business_date, loans.library
