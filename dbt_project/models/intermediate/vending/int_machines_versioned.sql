with

history as (

    {{ scd2(
        rows=ref('stg_vending__machines'),
        key='machine_id',
        attributes=[
            'machine_name',
            'location_name',
            'location_type',
            'prefecture',
            'latitude',
            'longitude',
            'route_id',
            'installed_on',
            'removed_on',
            'status',
            'commission_rate',
        ],
    ) }}

)

select * from history
