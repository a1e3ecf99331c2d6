with

file_versions as (

    select * from {{ ref('base_platform__file_versions') }}

),

-- The same content under two names, or again after another, is one content.
final as (

    select
        sender as machine_id,
        business_date,
        min(stored_at) as arrived_at,
        max(stored_at) as last_arrived_at,
        count(distinct sha256) as contents,
        cast(sum(case when is_in_raw then 1 else 0 end) as bigint) as files_in_use,
        cast(sum(case when state = 'quarantined' then 1 else 0 end) as bigint) as files_in_quarantine
    from file_versions
    where
        source_name = 'sales'
        and sender is not null
        and business_date is not null
    group by sender, business_date

)

select * from final
