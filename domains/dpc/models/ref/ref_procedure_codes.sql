with

versions as (

    select file_id from {{ source('platform', '_master_versions') }}
    where source = 'procedure_codes' and is_current_version

),

rows_of_versions as (

    select * from {{ source('dpc', 'procedure_codes') }}

),

final as (

    select
        rows_of_versions.procedure_code,
        rows_of_versions.procedure_name,
        rows_of_versions.procedure_category
    from rows_of_versions
    inner join versions
        on rows_of_versions._file_id = versions.file_id
    qualify row_number() over (
        partition by rows_of_versions.procedure_code
        order by rows_of_versions._line desc
    ) = 1

)

select * from final
