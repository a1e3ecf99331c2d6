with

staff as (

    select * from {{ ref('int_staff_versioned') }}
    where is_current

),

final as (

    select
        {{ pseudonym('staff_id') }} as staff_key,
        branch,
        route_id,
        is_listed
    from staff

)

select * from final
