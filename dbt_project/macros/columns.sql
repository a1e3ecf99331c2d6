{#-
    The columns of an incremental model's table follow the model, also their types. By itself dbt adds new ones only,
    and a figure that has become a decimal would be rounded into the integer column of before; and it refuses
    `sync_all_columns` beside a contract. Days that are not built again keep their values, in the new type.
-#}

{% macro process_schema_changes(on_schema_change, source_relation, target_relation) -%}
    {%- set how = "sync_all_columns" if on_schema_change == "append_new_columns" else on_schema_change -%}
    {{ return(dbt.process_schema_changes(how, source_relation, target_relation)) }}
{%- endmacro %}


{#- DuckDB does not update a table in the transaction that has altered it, which dbt's own macro would. -#}

{% macro duckdb__alter_column_type(relation, column_name, new_column_type) -%}
    {%- do run_query(
        "alter table " ~ relation ~ " alter column " ~ adapter.quote(column_name) ~ " set data type " ~ new_column_type
    ) -%}
{%- endmacro %}
