with

rejected_rows as (

    select * from {{ source('platform', '_rejected_rows') }}

),

final as (

    select
        file_id,
        source as source_name,
        path,
        business_date,
        line as line_number,
        column_name,
        reason
    from rejected_rows

)

select * from final
