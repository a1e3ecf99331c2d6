select
    loan_id,
    library,
    lent_at,
    pages,
    deposit,
    _business_date as business_date
from {{ source('libraries', 'loans') }}
