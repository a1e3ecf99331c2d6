with

machines as (

    select * from {{ ref('int_machines_versioned') }}

),

-- On its last day a machine is emptied and taken away, so it does not stand there in the evening.
final as (

    select
        machine_id,
        valid_from - 1 as valid_from,
        valid_to - 1 as valid_to,
        route_id,
        commission_rate,
        case
            when removed_on is not null then removed_on - 1
            when status = 'removed' then {{ beginning_of_time() }}
            else {{ end_of_time() }}
        end as stands_until
    from machines

)

select * from final
