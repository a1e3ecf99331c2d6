with

versions as (

    select file_id from {{ source('platform', '_master_versions') }}
    where source = 'diagnosis_groups' and is_current_version

),

rows_of_versions as (

    select * from {{ source('dpc', 'diagnosis_groups') }}

),

final as (

    select
        rows_of_versions.diagnosis_group,
        rows_of_versions.diagnosis_group_name,
        rows_of_versions.period_1_days,
        rows_of_versions.period_2_days,
        rows_of_versions.period_3_days,
        rows_of_versions.period_1_points,
        rows_of_versions.period_2_points,
        rows_of_versions.period_3_points
    from rows_of_versions
    inner join versions
        on rows_of_versions._file_id = versions.file_id
    qualify row_number() over (
        partition by rows_of_versions.diagnosis_group
        order by rows_of_versions._line desc
    ) = 1

)

select * from final
