{#-
    The incremental strategy `window`: all rows of the window are deleted and the new ones inserted, in one transaction.
    dbt's own delete+insert deletes only keys that come again, so a day that became empty would keep its rows.
-#}

{% macro get_incremental_window_sql(arg_dict) -%}
    {{ return(adapter.dispatch('get_incremental_window_sql')(arg_dict)) }}
{%- endmacro %}


{% macro default__get_incremental_window_sql(arg_dict) -%}
    {%- set columns = get_quoted_csv(arg_dict["dest_columns"] | map(attribute="name")) -%}
    delete from {{ arg_dict["target_relation"] }} where {{ in_window("business_date") }};
    insert into {{ arg_dict["target_relation"] }} ({{ columns }})
    select {{ columns }} from {{ arg_dict["temp_relation"] }}
{%- endmacro %}


{% macro snowflake__get_incremental_window_sql(arg_dict) -%}
    {#- dbt lets Snowflake commit every statement by itself, so the transaction is explicit. -#}
    begin;
    {{ default__get_incremental_window_sql(arg_dict) }};
    commit;
{%- endmacro %}


{#-
    The columns of an incremental model's table follow the model, also their types. By itself dbt only adds new columns,
    so a measure that has become a decimal would be rounded into the old integer column; and it refuses
    `sync_all_columns` beside a contract. Days that are not built again keep their values, in the new type.
-#}

{% macro process_schema_changes(on_schema_change, source_relation, target_relation) -%}
    {%- set change = "sync_all_columns" if on_schema_change == "append_new_columns" else on_schema_change -%}
    {{ return(dbt.process_schema_changes(change, source_relation, target_relation)) }}
{%- endmacro %}


{#- DuckDB can't update a table in the transaction that has altered it, which dbt's own macro would do. -#}

{% macro duckdb__alter_column_type(relation, column_name, new_column_type) -%}
    {%- do run_query(
        "alter table " ~ relation ~ " alter column " ~ adapter.quote(column_name) ~ " set data type " ~ new_column_type
    ) -%}
{%- endmacro %}


{#-
    DuckDB skips what lies outside a window if a table's rows are in the order of days. A model that aggregates or reads
    other days has them in any order, which matters where many days are built at once. A model that only passes rows on
    has them by day already (`rows_come_by_day`), and sorting millions of wide rows takes half as long again as writing
    them.
-#}

{% macro duckdb__create_table_as(temporary, relation, compiled_code) -%}
    {%- if config.get("materialized") == "incremental" and not (model.config.meta or {}).get("rows_come_by_day") -%}
        {%- set compiled_code = "select * from (" ~ compiled_code ~ ") as unordered order by business_date" -%}
    {%- endif -%}
    {{ return(dbt.duckdb__create_table_as(temporary, relation, compiled_code, *varargs, **kwargs)) }}
{%- endmacro %}


{#-
    On Redshift a `varchar` without a length holds 256 bytes; a declared column of a table is as long as there are any.
-#}

{% macro redshift__get_table_columns_and_constraints() -%}
    {%- set columns = {} -%}
    {%- for name, column in model.columns.items() -%}
        {%- set is_text = column.data_type | lower in ["varchar", "text", "string"] -%}
        {%- do columns.update({name: dict(column, data_type="varchar(65535)" if is_text else column.data_type)}) -%}
    {%- endfor -%}
    (
        {{ (
            adapter.render_raw_columns_constraints(raw_columns=columns)
            + adapter.render_raw_model_constraints(raw_constraints=model.constraints)
        ) | join(", ") }}
    )
{%- endmacro %}
