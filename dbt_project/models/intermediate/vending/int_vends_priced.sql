with

vend_attempts as (

    select * from {{ ref('stg_vending__sales') }}

),

machines as (

    select * from {{ ref('int_machines_versioned') }}

),

products as (

    select * from {{ ref('int_products_taxed') }}

),

standard_rates as (

    select * from {{ ref('consumption_tax_rates') }}
    where top_category_id = '*'

),

payment_methods as (

    select * from {{ ref('int_payment_methods_versioned') }}

),

vends_with_masters as (

    select
        vend_attempts.*,
        machines.machine_name,
        machines.location_type,
        machines.prefecture,
        machines.route_id,
        products.product_name,
        products.category_id,
        products.unit_cost,
        products.unit_cost_without_tax,
        coalesce(products.tax_rate, standard_rates.tax_rate) as tax_rate,
        coalesce(products.is_tax_rate_assumed, true) as is_tax_rate_assumed,
        payment_methods.payment_type,
        payment_methods.fee_rate,
        machines.machine_id is not null as is_known_machine,
        products.product_id is not null as is_known_product,
        payment_methods.payment_method_id is not null as is_known_payment_method,
        case when vend_attempts.status = 'completed' then vend_attempts.quantity else 0 end as units_sold
    from vend_attempts
    left join machines
        on
            vend_attempts.machine_id = machines.machine_id
            and {{ valid_on('machines', 'vend_attempts.business_date') }}
    left join products
        on
            vend_attempts.product_id = products.product_id
            and {{ valid_on('products', 'vend_attempts.business_date') }}
    left join standard_rates
        on
            standard_rates.top_category_id = case when products.product_id is null then '*' end
            and {{ valid_on('standard_rates', 'vend_attempts.business_date') }}
    left join payment_methods
        on
            vend_attempts.payment_method_id = payment_methods.payment_method_id
            and {{ valid_on('payment_methods', 'vend_attempts.business_date') }}

),

-- Only a completed vend moves money: a refunded one gave it back because nothing came out, a failed one took none.
-- Nothing is rounded to whole yen here: a fee and a tax are due on totals (macros/money.sql, macros/tax.sql).
priced_vends as (

    select
        *,
        units_sold * unit_price as sales_with_tax,
        case
            when units_sold = 0 then 0
            else {{ without_tax('units_sold * unit_price', 'tax_rate') }}
        end as sales_without_tax,
        case
            when units_sold = 0 then 0
            else {{ exact_share('units_sold * unit_price', 'fee_rate') }}
        end as payment_fee,
        case when units_sold = 0 then 0 else units_sold * unit_cost_without_tax end as cost_without_tax
    from vends_with_masters

),

final as (

    select
        transaction_id,
        business_date,
        sold_at,
        machine_id,
        machine_name,
        location_type,
        prefecture,
        route_id,
        slot_no,
        product_id,
        product_name,
        category_id,
        payment_method_id,
        payment_type,
        status,
        quantity,
        units_sold,
        unit_price,
        unit_cost,
        fee_rate,
        tax_rate,
        is_tax_rate_assumed,
        sales_with_tax,
        sales_without_tax,
        payment_fee,
        sales_without_tax - payment_fee as net_sales_without_tax,
        cost_without_tax,
        sales_without_tax - payment_fee - cost_without_tax as margin_without_tax,
        is_known_machine,
        is_known_product,
        is_known_payment_method,
        file_id,
        line_number
    from priced_vends

)

select * from final
