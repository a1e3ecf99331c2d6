with

files as (

    select * from {{ source('platform', '_files') }}

),

dated as (

    select
        file_id,
        source as source_name,
        path,
        machine as machine_id,
        business_date,
        modified_at,
        {{ tokyo_time('modified_at') }} as stored_at,
        sha256,
        state,
        in_raw,
        rows_accepted,
        rows_rejected,
        reason,
        coalesce(business_date, {{ tokyo_day('modified_at') }}) as version_day,
        case when state = 'loaded' then 1 else 0 end as is_loaded,
        -- What replaced a dated file corrects it. What replaced an undated one is news: the old one was true before.
        case when in_raw and (state <> 'superseded' or business_date is null) then 1 else 0 end as is_kept
    from files

),

ranked as (

    select
        *,
        row_number() over (
            partition by source_name
            order by is_loaded desc, version_day desc, modified_at desc, path desc
        ) as place_in_source,
        row_number() over (
            partition by source_name, version_day
            order by is_kept desc, is_loaded desc, modified_at desc, path desc
        ) as place_in_day
    from dated

),

final as (

    select
        file_id,
        source_name,
        path,
        machine_id,
        business_date,
        version_day,
        modified_at,
        stored_at,
        sha256,
        state,
        in_raw as is_in_raw,
        rows_accepted,
        rows_rejected,
        reason,
        is_loaded = 1 and place_in_source = 1 as is_current_version,
        is_kept = 1 and place_in_day = 1 as is_in_history
    from ranked

)

select * from final
