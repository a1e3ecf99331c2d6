with

order_lines as (

    select * from {{ source('shop', 'shop_order_lines') }}
    where not is_deleted

),

final as (

    select
        order_id,
        line_no,
        product_id,
        quantity,
        case_price,
        ordered_at,
        _business_date as business_date,
        updated_at
    from order_lines

)

select * from final
