with

-- 2001 began on a Monday; 10,000 weeks from there reach to 2192.
days as (

    select
        cast('2001-01-01' as date)
        + 7 * (1000 * thousands.digit + 100 * hundreds.digit + 10 * tens.digit + ones.digit)
        + weekdays.digit as business_date,
        weekdays.digit + 1 as weekday
    from {{ digits() }} as thousands
    cross join {{ digits() }} as hundreds
    cross join {{ digits() }} as tens
    cross join {{ digits() }} as ones
    cross join {{ digits() }} as weekdays
    where weekdays.digit < 7

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
