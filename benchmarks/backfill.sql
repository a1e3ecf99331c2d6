-- The marts and exports of all loaded days as one would write them by hand for DuckDB, in one go: what the platform's
-- backfill is measured against. No checks, no windows, no ledger of builds, no manifests; the same rows in the same
-- tables and files. `{exports}` is the folder for the files, `{seeds}` the project's own of seeds.

set enable_progress_bar = false;

create schema marts;

create temp table files as
select
    file_id,
    path,
    coalesce(business_date, cast(modified_at at time zone 'Asia/Tokyo' as date)) as version_day,
    in_raw and (state <> 'superseded' or business_date is null) as is_kept,
    is_kept and row_number() over (
        partition by source, version_day order by is_kept desc, state = 'loaded' desc, modified_at desc, path desc
    ) = 1 as is_in_history,
    state = 'loaded' and row_number() over (
        partition by source order by state = 'loaded' desc, version_day desc, modified_at desc, path desc
    ) = 1 as is_current
from raw._files;

-- Masters: a row per key and stretch of days in which no attribute changed.

create temp macro history(versions) as table
with compared as (
    select
        *,
        lag(attributes) over days as attributes_before,
        max(case when is_current then version_day end) over (partition by key) as current_day
    from query_table(versions)
    window days as (partition by key order by version_day)
    qualify attributes is distinct from attributes_before
)
select
    unnest(attributes),
    case when attributes_before is null then date '1900-01-01' else version_day end as valid_from,
    coalesce(lead(version_day) over (partition by key order by version_day), date '9999-12-31') as valid_to,
    current_day is not null as is_listed,
    coalesce(current_day >= version_day and current_day < valid_to, valid_to = date '9999-12-31') as is_now
from compared;

create temp view machine_versions as
select machine_id as key, struct_pack(*columns(master.* exclude (_extra, _file_id, _line, _business_date))) as attributes, *
from raw.vending_machines as master inner join files on _file_id = file_id and is_in_history
qualify row_number() over (partition by _file_id, machine_id order by _line desc) = 1;

create temp view product_versions as
select product_id as key, struct_pack(*columns(master.* exclude (_extra, _file_id, _line, _business_date))) as attributes, *
from raw.products as master inner join files on _file_id = file_id and is_in_history
qualify row_number() over (partition by _file_id, product_id order by _line desc) = 1;

create temp view payment_method_versions as
select payment_method_id as key, struct_pack(payment_method_id, payment_method_name, payment_type, fee_rate) as attributes, *
from raw.payment_methods inner join files on _file_id = file_id and is_in_history
qualify row_number() over (partition by _file_id, payment_method_id order by _line desc) = 1;

create temp view staff_versions as
select staff_id as key, struct_pack(staff_id, branch, route_id) as attributes, *
from raw.staff inner join files on _file_id = file_id and is_in_history
qualify row_number() over (partition by _file_id, staff_id order by _line desc) = 1;

create temp table machines as from history('machine_versions');
create temp table products as from history('product_versions');
create temp table payment_methods as from history('payment_method_versions');
create temp table staff as from history('staff_versions');

create temp table categories as
with recursive current_categories as (
    select category_id, category_name, parent_id
    from raw.product_categories inner join files on _file_id = file_id and is_current
    qualify row_number() over (partition by category_id order by _line desc) = 1
),
nested as (
    select category_id, category_name, category_id as top_category_id, category_name as top_category_name,
        category_name as category_path
    from current_categories where parent_id is null or parent_id not in (select category_id from current_categories)
    union all
    select c.category_id, c.category_name, n.top_category_id, n.top_category_name,
        n.category_path || ' > ' || c.category_name
    from current_categories as c inner join nested as n on c.parent_id = n.category_id
)
from nested;

create temp table rates as from read_csv('{seeds}/finance/consumption_tax_rates.csv');

create temp table rated_categories as
from categories where top_category_id in (select top_category_id from rates);

create table marts.dim_machines as
select
    machine_id, machine_name, location_name, location_type, prefecture, latitude::decimal(9, 6) as latitude,
    longitude::decimal(9, 6) as longitude, route_id, installed_on, removed_on, status,
    commission_rate::decimal(5, 4) as commission_rate, is_listed, valid_from
from machines where is_now;

create table marts.dim_products as
select
    product_id, jan_code, product_name, p.category_id, category_name, category_path, top_category_id, top_category_name,
    unit_cost, list_price, temperature, shelf_life_days, sold_from, sold_to, is_listed, valid_from
from products as p left join categories as c on p.category_id = c.category_id where is_now;

create table marts.dim_payment_methods as
select payment_method_id, payment_method_name, payment_type, fee_rate::decimal(5, 4) as fee_rate, is_listed, valid_from
from payment_methods where is_now;

create table marts.dim_staff as
select md5('vending/' || staff_id) as staff_key, branch, route_id, is_listed from staff where is_now;

-- Vends and replenishments: a row per key, the one whose moment lies on its file's day first.

create temp table superseded as
select 'sales' as source, _file_id, _line
from raw.sales inner join files on _file_id = file_id
where transaction_id in (select transaction_id from raw.sales group by all having count(*) > 1)
qualify row_number() over (
    partition by transaction_id order by sold_at::date = _business_date desc, sold_at desc, path desc, _line desc
) > 1
union all
select 'replenishments' as source, _file_id, _line
from raw.replenishment_records inner join files on _file_id = file_id
where record_id in (select record_id from raw.replenishment_records group by all having count(*) > 1)
qualify row_number() over (
    partition by record_id
    order by replenished_at::date = _business_date desc, replenished_at desc, path desc, _line desc
) > 1;

create temp table vends as
select
    transaction_id, _business_date as business_date, sold_at, machine_id, machine_name, location_type, prefecture,
    route_id, slot_no, product_id, product_name, category_id, payment_method_id, payment_type, status, quantity,
    units_sold, unit_price, unit_cost, fee_rate::decimal(5, 4) as fee_rate, tax_rate::decimal(5, 4) as tax_rate,
    is_tax_rate_assumed, sales_with_tax, sales_without_tax, payment_fee,
    (sales_without_tax - payment_fee)::decimal(18, 6) as net_sales_without_tax, cost_without_tax,
    (sales_without_tax - payment_fee - cost_without_tax)::decimal(18, 6) as margin_without_tax,
    is_known_machine, is_known_product, is_known_payment_method, file_id, line_number
from (
    select
        s.*, m.machine_name, m.location_type, m.prefecture, m.route_id, p.product_name, p.category_id, p.unit_cost,
        y.payment_type, y.fee_rate, t.tax_rate, c.category_id is null as is_tax_rate_assumed,
        m.machine_id is not null as is_known_machine,
        p.product_id is not null as is_known_product, y.payment_method_id is not null as is_known_payment_method,
        s._file_id as file_id, s._line as line_number,
        case when s.status = 'completed' then s.quantity else 0 end as units_sold,
        units_sold * s.unit_price as sales_with_tax,
        round(sales_with_tax / (1 + t.tax_rate::double), 6)::decimal(18, 6) as sales_without_tax,
        case when units_sold = 0 then 0 else sales_with_tax::decimal(14, 0) * y.fee_rate::decimal(4, 4) end
            as payment_fee,
        case when units_sold = 0 then 0 else units_sold * p.unit_cost end::decimal(18, 6) as cost_without_tax
    from raw.sales as s
    anti join (from superseded where source = 'sales') as o on s._file_id = o._file_id and s._line = o._line
    left join machines as m
        on s.machine_id = m.machine_id and s._business_date >= m.valid_from and s._business_date < m.valid_to
    left join products as p
        on s.product_id = p.product_id and s._business_date >= p.valid_from and s._business_date < p.valid_to
    left join rated_categories as c on p.category_id = c.category_id
    left join rates as t
        on coalesce(c.top_category_id, '*') = t.top_category_id
        and s._business_date >= t.valid_from and s._business_date < t.valid_to
    left join payment_methods as y
        on s.payment_method_id = y.payment_method_id
        and s._business_date >= y.valid_from and s._business_date < y.valid_to
);

create table marts.fct_sales as from vends where status in ('completed', 'refunded');

create table marts.fct_replenishments as
select
    record_id as replenishment_id, visit_id, r._business_date as business_date, replenished_at, r.machine_id,
    machine_name, m.route_id, slot_no, r.product_id, product_name, md5('vending/' || staff_id) as staff_key,
    quantity_before, quantity_added, quantity_removed,
    quantity_before + quantity_added - quantity_removed as quantity_after, removal_reason, unit_cost,
    case when quantity_removed = 0 then 0 else quantity_removed * unit_cost end::decimal(18, 6)
        as removed_cost_without_tax, cash_collected, sales_meter, m.machine_id is not null as is_known_machine,
    p.product_id is not null as is_known_product,
    r._file_id as file_id, r._line as line_number
from raw.replenishment_records as r
anti join (from superseded where source = 'replenishments') as o on r._file_id = o._file_id and r._line = o._line
left join machines as m
    on r.machine_id = m.machine_id and r._business_date >= m.valid_from and r._business_date < m.valid_to
left join products as p
    on r.product_id = p.product_id and r._business_date >= p.valid_from and r._business_date < p.valid_to;

-- A machine's day, and a product's.

create table marts.mart_machine_daily as
with attempted as (
    select
        machine_id, business_date, count(*) filter (status = 'completed') as vends,
        count(*) filter (status = 'refunded') as refunds, count(*) filter (status = 'failed') as failed_attempts,
        sum(units_sold) as units_sold, sum(sales_with_tax) as sales_with_tax,
        sum(sales_with_tax) filter (payment_type = 'cash') as cash_sales_with_tax,
        sum(sales_without_tax) as sales_without_tax, sum(payment_fee) as payment_fee,
        sum(net_sales_without_tax) as net_sales_without_tax, sum(cost_without_tax) as cost_without_tax,
        sum(margin_without_tax) as margin_without_tax,
        sum(sales_without_tax) filter (margin_without_tax is not null) as sales_with_margin,
        count(*) filter (margin_without_tax is null) as vends_without_margin
    from vends group by all
),
restocked as (
    select
        machine_id, business_date, count(distinct visit_id) as visits, sum(quantity_added) as units_restocked,
        sum(quantity_removed) as units_removed, sum(removed_cost_without_tax) as removed_cost_without_tax,
        sum(cash_collected) as cash_collected
    from marts.fct_replenishments group by all
)
select
    d.machine_id, business_date, machine_name, location_type, prefecture, route_id, coalesce(vends, 0) as vends,
    coalesce(failed_attempts, 0) as failed_attempts, coalesce(refunds, 0) as refunds,
    coalesce(units_sold, 0)::bigint as units_sold, coalesce(sales_with_tax, 0)::bigint as sales_with_tax,
    coalesce(cash_sales_with_tax, 0)::bigint as cash_sales_with_tax,
    coalesce(sales_without_tax, 0)::decimal(18, 6) as sales_without_tax,
    coalesce(payment_fee, 0)::decimal(18, 4) as payment_fee,
    coalesce(net_sales_without_tax, 0)::decimal(18, 6) as net_sales_without_tax,
    coalesce(cost_without_tax, 0)::decimal(18, 6) as cost_without_tax,
    coalesce(margin_without_tax, 0)::decimal(18, 6) as margin_without_tax,
    round(margin_without_tax::double / nullif(sales_with_margin::double, 0), 4)::decimal(18, 4)
        as margin_rate_without_tax,
    coalesce(vends_without_margin, 0) as vends_without_margin, coalesce(visits, 0) as visits,
    coalesce(units_restocked, 0)::bigint as units_restocked, coalesce(units_removed, 0)::bigint as units_removed,
    coalesce(removed_cost_without_tax, 0)::decimal(18, 6) as removed_cost_without_tax,
    coalesce(cash_collected, 0)::bigint as cash_collected,
    m.machine_id is not null as is_known_machine
from (attempted full join restocked using (machine_id, business_date)) as d
left join machines as m on d.machine_id = m.machine_id and business_date >= valid_from and business_date < valid_to;

create table marts.mart_product_daily as
with attempted as (
    select
        product_id, business_date, count(distinct machine_id) filter (status = 'completed') as machines_sold,
        count(*) filter (status = 'completed') as vends, count(*) filter (status = 'refunded') as refunds,
        count(*) filter (status = 'failed') as failed_attempts, sum(units_sold) as units_sold,
        sum(sales_with_tax) as sales_with_tax, sum(sales_without_tax) as sales_without_tax,
        sum(payment_fee) as payment_fee, sum(net_sales_without_tax) as net_sales_without_tax,
        sum(cost_without_tax) as cost_without_tax, sum(margin_without_tax) as margin_without_tax,
        sum(sales_without_tax) filter (margin_without_tax is not null) as sales_with_margin,
        count(*) filter (margin_without_tax is null) as vends_without_margin
    from vends group by all
),
restocked as (
    select
        product_id, business_date, sum(quantity_added) as units_restocked, sum(quantity_removed) as units_removed,
        sum(removed_cost_without_tax) as removed_cost_without_tax
    from marts.fct_replenishments group by all
)
select
    d.product_id, business_date, product_name, category_id, unit_cost, list_price,
    coalesce(machines_sold, 0) as machines_sold, coalesce(vends, 0) as vends,
    coalesce(failed_attempts, 0) as failed_attempts, coalesce(refunds, 0) as refunds,
    coalesce(units_sold, 0)::bigint as units_sold, coalesce(sales_with_tax, 0)::bigint as sales_with_tax,
    coalesce(sales_without_tax, 0)::decimal(18, 6) as sales_without_tax,
    coalesce(payment_fee, 0)::decimal(18, 4) as payment_fee,
    coalesce(net_sales_without_tax, 0)::decimal(18, 6) as net_sales_without_tax,
    coalesce(cost_without_tax, 0)::decimal(18, 6) as cost_without_tax,
    coalesce(margin_without_tax, 0)::decimal(18, 6) as margin_without_tax,
    round(margin_without_tax::double / nullif(sales_with_margin::double, 0), 4)::decimal(18, 4)
        as margin_rate_without_tax,
    round(sales_with_tax::double / nullif(units_sold::double, 0), 4)::decimal(18, 4) as average_price_with_tax,
    coalesce(vends_without_margin, 0) as vends_without_margin,
    coalesce(units_restocked, 0)::bigint as units_restocked, coalesce(units_removed, 0)::bigint as units_removed,
    coalesce(removed_cost_without_tax, 0)::decimal(18, 6) as removed_cost_without_tax,
    p.product_id is not null as is_known_product
from (attempted full join restocked using (product_id, business_date)) as d
left join products as p on d.product_id = p.product_id and business_date >= valid_from and business_date < valid_to;

-- The exports: a file per day.

copy marts.fct_sales to '{exports}/sales_by_day'
(format parquet, compression zstd, partition_by (business_date), write_partition_columns);

copy marts.mart_machine_daily to '{exports}/machine_daily'
(format csv, partition_by (business_date), write_partition_columns);

copy marts.mart_product_daily to '{exports}/product_daily'
(format csv, partition_by (business_date), write_partition_columns);
