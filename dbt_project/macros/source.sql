{#-
    Replaces dbt's own `source`: of a source with a key it returns one row per key, whatever its files contain. The
    platform writes the rows that do not count to raw._duplicates before dbt starts
    (vending_platform/transformation/one_per_key.py); they stay in raw, as they may count again. The SQL is the same
    whether there are any, so no view becomes outdated.

    A contract with `duplicates: keep` and a master (all versions of its file are there) are read as they are, and so is
    everything in a unit test. `builtins.source` returns all rows.
-#}

{% macro source(source_name, table_name) -%}
    {%- set relation = builtins.source(source_name, table_name) -%}
    {%- if not execute or (model is defined and model.resource_type == "unit_test") -%}
        {{- return(relation) -}}
    {%- endif -%}
    {%- set declared = graph.sources.get("source." ~ project_name ~ "." ~ source_name ~ "." ~ table_name, {}) -%}
    {%- set files = ((declared.config or {}).meta or {}).files -%}
    {%- if not files or files.delivery == "snapshot" or files.duplicates == "keep" -%}
        {{- return(relation) -}}
    {%- endif -%}
    {%- set delivered_rows -%}
        (
            select delivered.*
            from {{ relation }} as delivered
            where not exists (
                select 1
                from {{ relation.replace_path(schema="raw", identifier="_duplicates") }} as duplicates
                where
                    duplicates.source = '{{ relation.identifier }}'
                    and duplicates.file_id = delivered._file_id
                    and duplicates.line = delivered._line
            )
        )
    {%- endset -%}
    {{- return(delivered_rows) -}}
{%- endmacro %}
