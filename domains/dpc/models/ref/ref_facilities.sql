with

versions as (

    select file_id from {{ source('platform', '_master_versions') }}
    where source = 'facilities' and is_current_version

),

rows_of_versions as (

    select * from {{ source('dpc', 'facilities') }}

),

final as (

    select
        rows_of_versions.facility_code,
        rows_of_versions.facility_name,
        rows_of_versions.prefecture,
        rows_of_versions.beds
    from rows_of_versions
    inner join versions
        on rows_of_versions._file_id = versions.file_id
    qualify row_number() over (
        partition by rows_of_versions.facility_code
        order by rows_of_versions._line desc
    ) = 1

)

select * from final
