-- What an administrator runs once in a database of Redshift Serverless before the platform may work there: one statement
-- after the other, in Query Editor v2 or by psql. Staging and production have a workgroup each.
--
--   psql "host=<workgroup>.<account>.<region>.redshift-serverless.amazonaws.com port=5439 dbname=<database> user=<admin>" \
--     -v platform='"IAMR:<role of the platform>"' -v reader='"IAMR:<role of the readers>"' -f docs/redshift-setup.sql
--
-- IAM decides who may connect: a role of AWS is the database user IAMR:<its name>, without a password. What that user may
-- read and write is decided here. The platform loads, transforms and exports; readers see marts and reference data.
-- The schemas are those of a domain with the layers raw, stage, mart, ref and dq: name others as its dbt project does.

create user :platform password disable;
create user :reader password disable;

create role platform_loader;
create role platform_transformer;
create role platform_reader;

create schema if not exists raw;
create schema if not exists stage;
create schema if not exists mart;
create schema if not exists ref;
create schema if not exists dq;

-- The right to write, and the number of publications: a row each. ------------------------------------------------------

create table if not exists "RAW"."_RESERVATION" (holder varchar(64), purpose varchar(65535), taken_at timestamp, ends_at timestamp);
create table if not exists "RAW"."_PUBLICATIONS" (number bigint);
insert into "RAW"."_RESERVATION" select '', '', getdate(), getdate() where not exists (select 1 from "RAW"."_RESERVATION");
insert into "RAW"."_PUBLICATIONS" select 0 where not exists (select 1 from "RAW"."_PUBLICATIONS");

-- What each may do. A table belongs to the user that made it, and only its owner may alter it: the platform's user makes
-- all of them, so it owns the schemas too. ------------------------------------------------------------------------------

alter table "RAW"."_RESERVATION" owner to :platform;
alter table "RAW"."_PUBLICATIONS" owner to :platform;
alter schema raw owner to :platform;
alter schema stage owner to :platform;
alter schema mart owner to :platform;
alter schema ref owner to :platform;
alter schema dq owner to :platform;

grant usage, create on schema raw to role platform_loader;
grant select, insert, update, delete on all tables in schema raw to role platform_loader;

grant usage on schema raw to role platform_transformer;
grant select on all tables in schema raw to role platform_transformer;
grant usage, create on schema stage to role platform_transformer;
grant usage, create on schema mart to role platform_transformer;
grant usage, create on schema ref to role platform_transformer;
grant usage, create on schema dq to role platform_transformer;

grant usage on schema mart to role platform_reader;
grant usage on schema ref to role platform_reader;
grant select on all tables in schema mart to role platform_reader;
grant select on all tables in schema ref to role platform_reader;
alter default privileges for user :platform in schema mart grant select on tables to role platform_reader;
alter default privileges for user :platform in schema ref grant select on tables to role platform_reader;

grant role platform_loader to :platform;
grant role platform_transformer to :platform;
grant role platform_reader to :reader;

-- No one else. ----------------------------------------------------------------------------------------------------------

revoke create on schema public from public;
revoke all on schema raw from public;
revoke all on schema stage from public;
revoke all on schema mart from public;
revoke all on schema ref from public;
revoke all on schema dq from public;
