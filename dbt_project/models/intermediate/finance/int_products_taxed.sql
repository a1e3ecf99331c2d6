with

products as (

    select * from {{ ref('int_products_versioned') }}

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

-- The days on which a product's master, the list of categories or a rate may be another one than the day before.
changes as (

    select
        product_id,
        valid_from
    from products

    union distinct

    select
        products.product_id,
        top_categories.valid_from
    from products
    inner join top_categories
        on {{ valid_on('products', 'top_categories.valid_from') }}

    union distinct

    select
        products.product_id,
        standard_rates.valid_from
    from products
    cross join standard_rates

    union distinct

    select
        products.product_id,
        tax_rates.valid_from
    from products
    cross join tax_rates

),

validity_periods as (

    select
        product_id,
        valid_from,
        coalesce(
            lead(valid_from) over (partition by product_id order by valid_from), {{ end_of_time() }}
        ) as valid_to
    from changes

),

taxed_products as (

    select
        validity_periods.product_id,
        validity_periods.valid_from,
        validity_periods.valid_to,
        products.product_name,
        products.category_id,
        products.unit_cost,
        coalesce(tax_rates.tax_rate, standard_rates.tax_rate) as tax_rate,
        tax_rates.tax_rate is null as is_tax_rate_assumed
    from validity_periods
    inner join products
        on
            validity_periods.product_id = products.product_id
            and {{ valid_on('products', 'validity_periods.valid_from') }}
    left join top_categories
        on
            products.category_id = top_categories.category_id
            and {{ valid_on('top_categories', 'validity_periods.valid_from') }}
    left join tax_rates
        on
            top_categories.top_category_id = tax_rates.top_category_id
            and {{ valid_on('tax_rates', 'validity_periods.valid_from') }}
    left join standard_rates
        on {{ valid_on('standard_rates', 'validity_periods.valid_from') }}

),

final as (

    select
        product_id,
        valid_from,
        valid_to,
        product_name,
        category_id,
        unit_cost,
        {% if var('costs_include_tax') -%}
            {{ without_tax('unit_cost', 'tax_rate') }} as unit_cost_without_tax,
        {%- else -%}
            cast(unit_cost as decimal(18, 6)) as unit_cost_without_tax,
        {%- endif %}
        tax_rate,
        is_tax_rate_assumed
    from taxed_products

)

select * from final
