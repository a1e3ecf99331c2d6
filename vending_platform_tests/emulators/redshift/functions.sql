-- What a database of Redshift has and PostgreSQL lacks, or does otherwise, as far as the platform and dbt use it.
create schema redshift;

-- Dates. A month, a quarter or a year is a boundary that is crossed, not a length.
create function redshift.getdate() returns timestamp language sql volatile as
    'select clock_timestamp() at time zone ''UTC''';

create function redshift.dateadd(part text, number bigint, moment timestamp) returns timestamp
language sql immutable as $$
    select moment + case lower(part)
        when 'quarter' then make_interval(months => cast(number * 3 as int))
        when 'month' then make_interval(months => cast(number as int))
        when 'year' then make_interval(years => cast(number as int))
        when 'week' then make_interval(weeks => cast(number as int))
        when 'day' then make_interval(days => cast(number as int))
        when 'microsecond' then number * interval '1 microsecond'
        else cast(number || ' ' || part as interval)
    end
$$;

create function redshift.datediff(part text, one timestamp, other timestamp) returns bigint
language sql immutable as $$
    select case lower(part)
        when 'year' then cast(date_part('year', other) - date_part('year', one) as bigint)
        when 'quarter' then cast(
            (date_part('year', other) - date_part('year', one)) * 4
            + date_part('quarter', other) - date_part('quarter', one) as bigint
        )
        when 'month' then cast(
            (date_part('year', other) - date_part('year', one)) * 12
            + date_part('month', other) - date_part('month', one) as bigint
        )
        when 'week' then cast((cast(date_trunc('week', other) as date) - cast(date_trunc('week', one) as date)) / 7 as bigint)
        when 'day' then cast(cast(other as date) - cast(one as date) as bigint)
        when 'hour' then cast(extract(epoch from date_trunc('hour', other) - date_trunc('hour', one)) / 3600 as bigint)
        when 'minute' then cast(extract(epoch from date_trunc('minute', other) - date_trunc('minute', one)) / 60 as bigint)
        when 'second' then cast(extract(epoch from date_trunc('second', other) - date_trunc('second', one)) as bigint)
        when 'microsecond' then cast(extract(epoch from other - one) * 1000000 as bigint)
    end
$$;

create function redshift.convert_timezone(zone text, moment timestamp) returns timestamp language sql immutable as
    'select moment at time zone ''UTC'' at time zone zone';

-- Redshift returns whole numbers where PostgreSQL returns decimals.
create function redshift.date_part(part text, moment timestamp) returns double precision language sql immutable as
    'select cast(extract(epoch from moment) as double precision) where lower(part) = ''epoch''
     union all select pg_catalog.date_part(part, moment) where lower(part) <> ''epoch''';

create aggregate redshift.sum(bigint) (sfunc = int8pl, stype = bigint);

-- Texts.
create function redshift.len(text) returns int language sql immutable as 'select length($1)';
create function redshift.nvl(anycompatible, anycompatible) returns anycompatible language sql immutable as
    'select coalesce($1, $2)';
create function redshift.strtol(digits text, base int) returns bigint language sql immutable strict as $$
    select cast(cast('x' || lpad(digits, 16, '0') as bit(64)) as bigint) where base = 16
$$;

-- Keys are informational: duplicates are let in. The length of a text is counted in bytes. A view without schema
-- binding outlives its tables: it is made again whenever what it reads is there.
create table redshift.late_binding_views (relation text primary key, definition text not null);

create function redshift.after_ddl() returns event_trigger language plpgsql as $$
declare
    found record;
begin
    for found in
        select constraints.conname as name, cast(cast(constraints.conrelid as regclass) as text) as relation
        from pg_event_trigger_ddl_commands() as commands
        join pg_constraint as constraints on constraints.conrelid = commands.objid
        where commands.object_type = 'table' and constraints.contype in ('p', 'u', 'f')
            and commands.schema_name <> 'redshift'
    loop
        execute format('alter table %s drop constraint %I', found.relation, found.name);
    end loop;
    for found in
        select
            attributes.attrelid as oid,
            'bytes_of_' || attributes.attnum as constraint_name,
            attributes.attname as name,
            attributes.atttypmod - 4 as bytes
        from pg_event_trigger_ddl_commands() as commands
        join pg_attribute as attributes on attributes.attrelid = commands.objid
        where commands.object_type in ('table', 'table column') and commands.classid = cast('pg_class' as regclass)
            and attributes.atttypid = cast('varchar' as regtype) and attributes.atttypmod > 4
            and not attributes.attisdropped and attributes.attnum > 0
    loop
        -- Each of these statements comes here again.
        if not exists (select 1 from pg_constraint where conrelid = found.oid and conname = found.constraint_name) then
            execute format(
                'alter table %s add constraint %I check (octet_length(%I) <= %s)',
                cast(found.oid as regclass), found.constraint_name, found.name, found.bytes
            );
        end if;
    end loop;
end
$$;
create event trigger after_ddl on ddl_command_end
    when tag in ('CREATE TABLE', 'CREATE TABLE AS', 'ALTER TABLE', 'SELECT INTO')
    execute function redshift.after_ddl();

create function redshift.bind_views() returns event_trigger language plpgsql as $$
declare
    found record;
begin
    for found in
        select relation, definition from redshift.late_binding_views where to_regclass(relation) is null
    loop
        begin
            execute format('create view %s as %s', found.relation, found.definition);
        exception when undefined_table or undefined_column or invalid_schema_name or duplicate_table then
            null;  -- what it reads is not there, or not yet
        end;
    end loop;
end
$$;
create event trigger bind_views on ddl_command_end
    when tag in ('CREATE TABLE', 'CREATE TABLE AS', 'CREATE VIEW', 'ALTER TABLE', 'DROP TABLE', 'DROP VIEW')
    execute function redshift.bind_views();

-- The catalog, as dbt reads it: here, views without schema binding are among the others.
create function redshift.pg_get_late_binding_view_cols() returns setof record language sql as
    'select null::name, null::name, null::name, null::varchar, null::int where false';

create function redshift.extracted(part text, moment timestamp) returns int language sql immutable as
    'select cast(pg_catalog.date_part(part, moment) as int)';

create view redshift.svv_table_info as
select
    cast(null as text) as "schema",
    cast(null as text) as "table",
    cast(null as text) as encoded,
    cast(null as text) as diststyle,
    cast(null as text) as sortkey1,
    cast(null as int) as max_varchar,
    cast(null as text) as sortkey1_enc,
    cast(null as int) as sortkey_num,
    cast(null as bigint) as size,
    cast(null as numeric) as pct_used,
    cast(null as numeric) as unsorted,
    cast(null as numeric) as stats_off,
    cast(null as numeric) as tbl_rows,
    cast(null as numeric) as skew_sortkey1,
    cast(null as numeric) as skew_rows
where false;

create view redshift.svv_external_columns as
select
    cast(null as text) as schemaname,
    cast(null as text) as tablename,
    cast(null as text) as columnname,
    cast(null as text) as external_type,
    cast(null as int) as columnnum
where false;

-- Rounding of doubles, which PostgreSQL does for decimals alone: half away from zero.
create function redshift.round(number double precision, places int) returns double precision language sql immutable as
    'select sign(number) * floor(abs(number) * power(cast(10 as double precision), places) + 0.5)
     / power(cast(10 as double precision), places)';
