with

days as (

    select
        business_date,
        prefecture,
        temperature_mean,
        precipitation,
        machines
    from {{ ref('mart_weather_daily') }}
    where machines > 0

),

sales as (

    select
        prefecture,
        category_id,
        business_date,
        sum(units_sold) as units_sold
    from {{ ref('fct_sales') }}
    where category_id is not null and prefecture is not null
    group by prefecture, category_id, business_date

),

categories as (

    select distinct
        prefecture,
        category_id
    from sales

),

-- A day on which nothing of a category was sold says as much as any other.
category_days as (

    select
        days.business_date,
        days.prefecture,
        categories.category_id,
        days.temperature_mean,
        days.precipitation,
        days.machines,
        cast(coalesce(sales.units_sold, 0) as bigint) as units_sold,
        {{ safe_divide('coalesce(sales.units_sold, 0)', 'days.machines') }} as units_per_machine
    from days
    inner join categories
        on days.prefecture = categories.prefecture
    left join sales
        on
            days.prefecture = sales.prefecture
            and days.business_date = sales.business_date
            and categories.category_id = sales.category_id

),

pairs as (

    select
        prefecture,
        category_id,
        'temperature' as factor,
        temperature_mean as x,
        units_per_machine as y
    from category_days
    where temperature_mean is not null

    union all

    select
        prefecture,
        category_id,
        'rain' as factor,
        precipitation as x,
        units_per_machine as y
    from category_days
    where precipitation is not null

),

-- Sums of decimals are exact, so their order changes nothing.
sums as (

    select
        prefecture,
        category_id,
        factor,
        count(*) as days,
        cast(count(*) as double precision) as n,
        cast(sum(x) as double precision) as x,
        cast(sum(y) as double precision) as y,
        cast(sum(x * x) as double precision) as xx,
        cast(sum(y * y) as double precision) as yy,
        cast(sum(x * y) as double precision) as xy
    from pairs
    group by prefecture, category_id, factor

),

-- Each is n times a sum of squares or products of what differs from the mean; rounded, so that what never changes is 0.
spreads as (

    select
        prefecture,
        category_id,
        factor,
        days,
        n,
        y,
        n - 2 as freedom,
        round(n * xx - x * x, 6) as spread_x,
        round(n * yy - y * y, 6) as spread_y,
        round(n * xy - x * y, 6) as joint_spread
    from sums

),

-- The quantile 97.5 % of Student's distribution, from that of the normal one by the expansion of Cornish and Fisher.
lines as (

    select
        *,
        {{ ratio('joint_spread', 'spread_x') }} as slope,
        {{ ratio('joint_spread', 'sqrt(spread_x * spread_y)') }} as correlation,
        case
            when freedom >= 5
                then
                    1.959964
                    + {{ ratio('2.372272', 'freedom') }}
                    + {{ ratio('2.822499', 'freedom * freedom') }}
                    + {{ ratio('2.555850', 'freedom * freedom * freedom') }}
        end as student
    from spreads

),

margins as (

    select
        *,
        student * sqrt(
            {{ ratio(
                'case when spread_y > slope * joint_spread then spread_y - slope * joint_spread else 0 end',
                'freedom * spread_x'
            ) }}
        ) as margin
    from lines

),

final as (

    select
        prefecture,
        category_id,
        factor,
        cast(days as bigint) as days,
        {{ safe_divide('y', 'n') }} as units_per_machine,
        cast(round(correlation, 4) as decimal(5, 4)) as correlation,
        cast(round(slope, 4) as decimal(18, 4)) as slope,
        cast(round(slope - margin, 4) as decimal(18, 4)) as slope_low,
        cast(round(slope + margin, 4) as decimal(18, 4)) as slope_high
    from margins

)

select * from final
