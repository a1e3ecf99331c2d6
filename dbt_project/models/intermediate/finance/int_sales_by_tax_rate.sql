with

-- Added up before anything is joined; a view, so a day that is asked for costs a day.
sold as (

    select
        business_date,
        machine_id,
        payment_method_id,
        payment_type,
        category_id,
        sum(case when status = 'completed' then 1 else 0 end) as vends,
        sum(case when status = 'refunded' then 1 else 0 end) as refunds,
        sum(units_sold) as units_sold,
        sum(gross_amount) as gross_amount,
        sum(case when status = 'refunded' then quantity * unit_price else 0 end) as refunded_amount,
        sum(fee_amount) as fee_amount,
        sum(case when fee_amount is null then 1 else 0 end) as vends_without_fee
    from {{ ref('fct_sales') }}
    group by business_date, machine_id, payment_method_id, payment_type, category_id

),

top_categories as (

    select * from {{ ref('int_top_categories_versioned') }}

),

tax_rates as (

    select * from {{ ref('consumption_tax_rates') }}
    where top_category_id <> '*'

),

standard_rates as (

    select * from {{ ref('consumption_tax_rates') }}
    where top_category_id = '*'

),

taxed as (

    select
        sold.*,
        coalesce(tax_rates.tax_rate, standard_rates.tax_rate) as tax_rate,
        coalesce(tax_rates.tax_class, standard_rates.tax_class) as tax_class,
        tax_rates.tax_rate is not null as is_category_in_seed
    from sold
    left join top_categories
        on
            sold.category_id = top_categories.category_id
            and {{ was_valid('top_categories', 'sold.business_date') }}
    left join tax_rates
        on
            top_categories.top_category_id = tax_rates.top_category_id
            and {{ was_valid('tax_rates', 'sold.business_date') }}
    left join standard_rates
        on {{ was_valid('standard_rates', 'sold.business_date') }}

),

final as (

    select
        business_date,
        machine_id,
        payment_method_id,
        payment_type,
        tax_rate,
        tax_class,
        is_category_in_seed,
        cast(sum(vends) as bigint) as vends,
        cast(sum(refunds) as bigint) as refunds,
        cast(sum(units_sold) as bigint) as units_sold,
        cast(sum(gross_amount) as bigint) as gross_amount,
        cast(sum(refunded_amount) as bigint) as refunded_amount,
        cast(sum(fee_amount) as bigint) as fee_amount,
        cast(sum(vends_without_fee) as bigint) as vends_without_fee
    from taxed
    group by
        business_date, machine_id, payment_method_id, payment_type, tax_rate, tax_class, is_category_in_seed

)

select * from final
