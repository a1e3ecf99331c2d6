with

history as (

    {{ scd2(
        rows=ref('stg_vending__products'),
        key='product_id',
        attributes=[
            'jan_code',
            'product_name',
            'category_id',
            'unit_cost',
            'list_price',
            'temperature',
            'shelf_life_days',
            'sold_from',
            'sold_to',
        ],
    ) }}

)

select * from history
