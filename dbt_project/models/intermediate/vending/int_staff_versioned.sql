with

history as (

    {{ scd2(rows=ref('stg_vending__staff'), key='staff_id', attributes=['branch', 'route_id']) }}

)

select * from history
