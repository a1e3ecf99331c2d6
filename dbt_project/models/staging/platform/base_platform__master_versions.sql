with

master_versions as (

    select * from {{ source('platform', '_master_versions') }}

),

final as (

    select
        file_id,
        source as source_name,
        path,
        version_day,
        is_in_history,
        is_current_version
    from master_versions

)

select * from final
