{{ config(materialized='incremental', incremental_strategy='window', on_schema_change='append_new_columns') }}

{{ superseded_duplicates(
    ref('base_vending__sales'),
    ref('base_platform__file_versions'),
    key='transaction_id',
    event_time='sold_at',
    source_name='sales'
) }}
