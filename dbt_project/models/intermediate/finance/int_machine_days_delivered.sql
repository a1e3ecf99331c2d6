with

file_versions as (

    select * from {{ ref('base_platform__file_versions') }}
    where
        source_name in ('sales', 'replenishment_records')
        and sender is not null
        and business_date is not null
        and (is_in_raw or state = 'quarantined')

),

final as (

    select
        sender as machine_id,
        business_date,
        max(case when source_name = 'sales' and is_in_raw then 1 else 0 end) = 1
        and max(case when source_name = 'sales' and (not is_in_raw or rows_rejected > 0) then 1 else 0 end) = 0
            as is_sales_complete,
        max(case when source_name <> 'sales' and (not is_in_raw or rows_rejected > 0) then 1 else 0 end) = 1
            as is_visit_unread
    from file_versions
    group by sender, business_date

)

select * from final
