with

payment_methods as (

    select * from {{ source('vending', 'payment_methods') }}

),

file_versions as (

    select * from {{ ref('base_platform__file_versions') }}
    where source_name = 'payment_methods'

),

final as (

    select
        payment_methods.payment_method_id,
        payment_methods.payment_method_name,
        payment_methods.payment_type,
        payment_methods.fee_rate,
        payment_methods._file_id as version_id,
        file_versions.version_day,
        file_versions.is_current_version,
        file_versions.is_in_history,
        payment_methods._line as line_number
    from payment_methods
    inner join file_versions
        on payment_methods._file_id = file_versions.file_id
    qualify row_number() over (
        partition by payment_methods._file_id, payment_methods.payment_method_id
        order by payment_methods._line desc
    ) = 1

)

select * from final
