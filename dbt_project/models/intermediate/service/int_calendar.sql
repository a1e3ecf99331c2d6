with

digits as (

    {{ numbers(9) }}

),

weekdays as (

    {{ numbers(6) }}

),

-- 2001 began on a Monday; 10,000 weeks from there reach to 2192.
days as (

    select
        cast('2001-01-01' as date)
        + 7 * (1000 * thousands.number + 100 * hundreds.number + 10 * tens.number + ones.number)
        + weekdays.number as business_date,
        cast(weekdays.number + 1 as bigint) as weekday
    from digits as thousands
    cross join digits as hundreds
    cross join digits as tens
    cross join digits as ones
    cross join weekdays

),

final as (

    select
        business_date,
        weekday,
        case weekday
            when 6 then 'saturday'
            when 7 then 'sunday'
            else 'workday'
        end as day_kind
    from days

)

select * from final
