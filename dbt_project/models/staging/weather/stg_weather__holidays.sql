with

holidays as (

    select * from {{ source('weather', 'holidays') }}

),

versions as (

    select * from {{ ref('base_platform__master_versions') }}
    where source_name = 'holidays'

),

final as (

    select
        holidays.day as business_date,
        holidays.holiday_name,
        holidays._file_id as version_id,
        versions.version_day,
        versions.is_current_version,
        holidays._line as line_number
    from holidays
    inner join versions
        on holidays._file_id = versions.file_id

)

select * from final
