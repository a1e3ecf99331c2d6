with

procedures as (

    select * from {{ ref('stg_dpc__procedures') }}
    where {{ in_window('business_date') }}

),

procedure_codes as (

    select * from {{ ref('ref_procedure_codes') }}

),

procedures_of_cases as (

    select
        business_date,
        facility_code,
        procedure_code,
        case_number,
        cast(sum(times) as bigint) as times,
        sum(amount * times) as amount,
        cast(sum(points * times) as bigint) as points
    from procedures
    group by business_date, facility_code, procedure_code, case_number

),

used_procedures as (

    select
        business_date,
        facility_code,
        procedure_code,
        count(*) as cases,
        cast(sum(times) as bigint) as times,
        cast(sum(amount) as decimal(18, 3)) as amount,
        cast(sum(points) as bigint) as points
    from procedures_of_cases
    group by business_date, facility_code, procedure_code

),

final as (

    select
        used_procedures.business_date,
        used_procedures.facility_code,
        used_procedures.procedure_code,
        procedure_codes.procedure_name,
        procedure_codes.procedure_category,
        used_procedures.cases,
        used_procedures.times,
        used_procedures.amount,
        used_procedures.points
    from used_procedures
    left join procedure_codes
        on used_procedures.procedure_code = procedure_codes.procedure_code

)

select * from final
