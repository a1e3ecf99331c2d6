with

payment_methods as (

    select * from {{ source('vending', 'payment_methods') }}

),

versions as (

    select * from {{ ref('base_platform__master_versions') }}
    where source_name = 'payment_methods'

),

final as (

    select
        payment_methods.payment_method_id,
        payment_methods.payment_method_name,
        payment_methods.payment_type,
        payment_methods.fee_rate,
        payment_methods._file_id as version_id,
        versions.version_day,
        versions.is_current_version,
        versions.is_in_history,
        payment_methods._line as line_number
    from payment_methods
    inner join versions
        on payment_methods._file_id = versions.file_id
    qualify row_number() over (
        partition by payment_methods._file_id, versions.version_day, payment_methods.payment_method_id
        order by payment_methods._line desc
    ) = 1

)

select * from final
