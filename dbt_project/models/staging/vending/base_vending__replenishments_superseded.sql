{{ config(materialized='incremental', incremental_strategy='window', on_schema_change='append_new_columns') }}

{{ superseded_duplicates(
    ref('base_vending__replenishments'),
    ref('base_platform__file_versions'),
    key='replenishment_id',
    event_time='replenished_at',
    source_name='replenishment_records'
) }}
