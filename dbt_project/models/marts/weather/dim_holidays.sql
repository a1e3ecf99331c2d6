with

holidays as (

    select * from {{ ref('int_holidays') }}

),

final as (

    select
        business_date,
        holiday_name
    from holidays

)

select * from final
