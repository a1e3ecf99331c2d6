with

file_versions as (

    select * from {{ ref('base_platform__file_versions') }}

),

final as (

    select distinct
        sender as machine_id,
        business_date
    from file_versions
    where
        source_name = 'sales'
        and is_in_raw
        and sender is not null
        and business_date is not null

)

select * from final
