select
    loan_id,
    returned_at,
    fine,
    _business_date as business_date
from {{ source('libraries', 'returns') }}
