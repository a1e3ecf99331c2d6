with

files as (

    select * from {{ source('platform', '_files') }}

),

final as (

    select
        file_id,
        source as source_name,
        path,
        sender,
        business_date,
        modified_at,
        {{ tokyo_time('modified_at') }} as stored_at,
        sha256,
        state,
        in_raw as is_in_raw,
        rows_accepted,
        rows_rejected,
        reason
    from files

)

select * from final
