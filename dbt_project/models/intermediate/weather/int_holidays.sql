with

holidays as (

    select * from {{ ref('stg_weather__holidays') }}
    where is_current_version

),

final as (

    select
        business_date,
        holiday_name
    from holidays
    qualify row_number() over (partition by business_date order by version_day desc, line_number desc) = 1

)

select * from final
