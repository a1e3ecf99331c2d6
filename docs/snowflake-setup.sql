-- What an administrator runs on a Snowflake account before the platform may work there, and again whenever this file has
-- changed: every statement can be repeated. Staging and production have an account each.
--
--   snow sql --filename docs/snowflake-setup.sql --enable-templating LEGACY \
--     -D "suffix=STG" -D "work_url=s3://<company>-vending-data-staging/staging" -D "aws_role=arn:aws:iam::<account>:role/<name>" \
--     -D "public_key=<the public half of the platform's key>" -D "size=XSMALL" -D "clusters=1" -D "credits=50"
--
-- production: suffix=PROD, the bucket and role of production, and for example size=SMALL, clusters=4, credits=400. More
-- than one cluster and masking policies need Snowflake's Enterprise edition.

-- What it may cost. --------------------------------------------------------------------------------------------------

use role accountadmin;

create resource monitor if not exists VENDING_MONTHLY_&{suffix} with
  credit_quota = &{credits} frequency = monthly start_timestamp = immediately
  triggers on 80 percent do notify on 100 percent do suspend on 110 percent do suspend_immediate;

create warehouse if not exists COMPUTE_WH_&{suffix} with
  warehouse_size = &{size} auto_suspend = 60 auto_resume = true initially_suspended = true
  min_cluster_count = 1 max_cluster_count = &{clusters} scaling_policy = standard
  statement_timeout_in_seconds = 7200 resource_monitor = VENDING_MONTHLY_&{suffix};

-- Who there is. The platform loads and transforms; readers see marts and nothing else. ---------------------------------

use role useradmin;

create role if not exists VENDING_LOADER;
create role if not exists VENDING_TRANSFORMER;
create role if not exists VENDING_READER;
create role if not exists VENDING_PERSONAL_DATA;
create role if not exists VENDING_PLATFORM_&{suffix};
create user if not exists VENDING_PLATFORM_&{suffix} type = service
  default_role = VENDING_PLATFORM_&{suffix} default_warehouse = COMPUTE_WH_&{suffix}
  rsa_public_key = '&{public_key}';

use role securityadmin;

grant role VENDING_LOADER to role VENDING_PLATFORM_&{suffix};
grant role VENDING_TRANSFORMER to role VENDING_PLATFORM_&{suffix};
grant role VENDING_PERSONAL_DATA to role VENDING_PLATFORM_&{suffix};
grant role VENDING_PLATFORM_&{suffix} to user VENDING_PLATFORM_&{suffix};
grant role VENDING_PLATFORM_&{suffix} to role sysadmin;

-- Where rows are, and the stage that they come and leave through. Of an external stage USAGE is the right to both; what
-- Snowflake may do in the bucket is up to the AWS role (docs/operating.md). ---------------------------------------------

use role accountadmin;

create storage integration if not exists VENDING_STORAGE
  type = external_stage storage_provider = 'S3' enabled = true
  storage_aws_role_arn = '&{aws_role}' storage_allowed_locations = ('&{work_url}/publications/');
grant usage on integration VENDING_STORAGE to role VENDING_PLATFORM_&{suffix};

create database if not exists VENDING_DATA_&{suffix} data_retention_time_in_days = 7;
grant ownership on database VENDING_DATA_&{suffix} to role VENDING_PLATFORM_&{suffix} copy current grants;
grant usage on warehouse COMPUTE_WH_&{suffix} to role VENDING_PLATFORM_&{suffix};

use role VENDING_PLATFORM_&{suffix};
use database VENDING_DATA_&{suffix};

create schema if not exists "RAW";
create schema if not exists "STAGING";
create schema if not exists "INTERMEDIATE";
create schema if not exists "MARTS";
create schema if not exists "DQ";

create stage if not exists "RAW"."_BATCHES" url = '&{work_url}/publications/' storage_integration = VENDING_STORAGE;

create table if not exists "RAW"."_RESERVATION" as select cast('' as varchar) as holder,
  cast('' as varchar) as purpose, current_timestamp() as taken_at, current_timestamp() as ends_at;
create table if not exists "RAW"."_PUBLICATIONS" as select cast(0 as number(38, 0)) as number;

-- What each may do. ----------------------------------------------------------------------------------------------------

use role securityadmin;

grant usage on database VENDING_DATA_&{suffix} to role VENDING_LOADER;
grant usage, create table, create stage on schema VENDING_DATA_&{suffix}.RAW to role VENDING_LOADER;
grant usage on stage VENDING_DATA_&{suffix}.RAW._BATCHES to role VENDING_LOADER;
grant select, insert, update, delete on all tables in schema VENDING_DATA_&{suffix}.RAW to role VENDING_LOADER;
grant select, insert, update, delete on future tables in schema VENDING_DATA_&{suffix}.RAW to role VENDING_LOADER;

grant usage on database VENDING_DATA_&{suffix} to role VENDING_TRANSFORMER;
grant usage on schema VENDING_DATA_&{suffix}.RAW to role VENDING_TRANSFORMER;
grant select on all tables in schema VENDING_DATA_&{suffix}.RAW to role VENDING_TRANSFORMER;
grant select on future tables in schema VENDING_DATA_&{suffix}.RAW to role VENDING_TRANSFORMER;
grant usage, create table, create view on schema VENDING_DATA_&{suffix}.STAGING to role VENDING_TRANSFORMER;
grant usage, create table, create view on schema VENDING_DATA_&{suffix}.INTERMEDIATE to role VENDING_TRANSFORMER;
grant usage, create table, create view on schema VENDING_DATA_&{suffix}.MARTS to role VENDING_TRANSFORMER;
grant usage, create table, create view on schema VENDING_DATA_&{suffix}.DQ to role VENDING_TRANSFORMER;

grant usage on warehouse COMPUTE_WH_&{suffix} to role VENDING_READER;
grant usage on database VENDING_DATA_&{suffix} to role VENDING_READER;
grant usage on schema VENDING_DATA_&{suffix}.MARTS to role VENDING_READER;
grant select on all tables in schema VENDING_DATA_&{suffix}.MARTS to role VENDING_READER;
grant select on future tables in schema VENDING_DATA_&{suffix}.MARTS to role VENDING_READER;

-- Personal data. --------------------------------------------------------------------------------------------------------
-- A schema's tag is on all of its columns, also on those of tables that dbt will make. Texts that identify a person are
-- shown to the role VENDING_PERSONAL_DATA (the platform has it); others see a hash, by which they can still join.
-- Marts have no name and no number of a person, but pseudonyms, which anyone with the list of numbers can undo.

use role accountadmin;

create schema if not exists VENDING_DATA_&{suffix}.GOVERNANCE;
create tag if not exists VENDING_DATA_&{suffix}.GOVERNANCE.PERSONAL_DATA allowed_values 'yes', 'pseudonym', 'no';
create masking policy if not exists VENDING_DATA_&{suffix}.GOVERNANCE.PERSONAL_TEXT as (val varchar) returns varchar ->
  case
    when is_role_in_session('VENDING_PERSONAL_DATA') then val
    when system$get_tag_on_current_column('VENDING_DATA_&{suffix}.GOVERNANCE.PERSONAL_DATA') = 'yes' then sha2(val)
    else val
  end;
alter tag VENDING_DATA_&{suffix}.GOVERNANCE.PERSONAL_DATA
  set masking policy VENDING_DATA_&{suffix}.GOVERNANCE.PERSONAL_TEXT force;

alter schema VENDING_DATA_&{suffix}.RAW set tag VENDING_DATA_&{suffix}.GOVERNANCE.PERSONAL_DATA = 'yes';
alter schema VENDING_DATA_&{suffix}.STAGING set tag VENDING_DATA_&{suffix}.GOVERNANCE.PERSONAL_DATA = 'yes';
alter schema VENDING_DATA_&{suffix}.INTERMEDIATE set tag VENDING_DATA_&{suffix}.GOVERNANCE.PERSONAL_DATA = 'yes';
alter schema VENDING_DATA_&{suffix}.MARTS set tag VENDING_DATA_&{suffix}.GOVERNANCE.PERSONAL_DATA = 'pseudonym';
