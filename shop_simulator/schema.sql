-- The web shop's database: Aurora MySQL 8 in the cloud, MariaDB on a laptop. Times without a zone are Japan's; money is
-- yen, tax included. `updated_at` is set by the server whenever a row is written.
create table customers (
    customer_id bigint unsigned not null auto_increment primary key comment 'The customer.',
    email varchar(254) not null comment 'Where messages go.',
    company_name varchar(120) not null comment 'The company, in Japanese.',
    contact_name varchar(80) not null comment 'Who orders there.',
    segment enum ('office', 'clinic', 'school', 'studio') not null comment 'What kind of place it is.',
    prefecture varchar(8) not null comment 'Where it is.',
    newsletter tinyint(1) not null default 0 comment 'Whether it wants news.',
    registered_at datetime(6) not null comment 'When it registered, in Japan.',
    updated_at timestamp(6) not null default current_timestamp(6) on update current_timestamp(6)
        comment 'When the row was last written.',
    unique key uk_customers_email (email),
    key ix_customers_updated (updated_at)
) engine = innodb default charset = utf8mb4;

create table products (
    product_id varchar(16) not null primary key comment 'The product, as the operator calls it.',
    product_name varchar(120) not null comment 'What it is called.',
    category_id varchar(16) not null comment 'The category it belongs to.',
    units_per_case smallint unsigned not null comment 'How many units are in a case, which is what the shop sells.',
    stock int not null comment 'Cases that can be sold now.',
    is_active tinyint(1) not null default 1 comment 'Whether it is on sale.',
    updated_at timestamp(6) not null default current_timestamp(6) on update current_timestamp(6)
        comment 'When the row was last written.',
    constraint ck_products_stock check (stock >= 0)
) engine = innodb default charset = utf8mb4;

create table product_prices (
    product_id varchar(16) not null comment 'The product.',
    valid_from date not null comment 'First day of the price.',
    case_price decimal(10, 2) not null comment 'Price of a case in yen, tax included.',
    updated_at timestamp(6) not null default current_timestamp(6) on update current_timestamp(6)
        comment 'When the row was last written.',
    primary key (product_id, valid_from)
) engine = innodb default charset = utf8mb4;

create table subscriptions (
    subscription_id bigint unsigned not null auto_increment primary key comment 'The subscription.',
    customer_id bigint unsigned not null comment 'Who has it.',
    product_id varchar(16) not null comment 'What is sent.',
    quantity smallint unsigned not null comment 'Cases each time.',
    every_days smallint unsigned not null comment 'Days between two orders.',
    status enum ('active', 'paused', 'ended') not null default 'active' comment 'Whether it goes on.',
    started_on date not null comment 'Day of its first order.',
    ended_on date null comment 'Day on which it ended.',
    updated_at timestamp(6) not null default current_timestamp(6) on update current_timestamp(6)
        comment 'When the row was last written.',
    key ix_subscriptions_customer (customer_id),
    key ix_subscriptions_updated (updated_at)
) engine = innodb default charset = utf8mb4;

create table orders (
    order_id bigint unsigned not null auto_increment primary key comment 'The order.',
    customer_id bigint unsigned not null comment 'Who ordered.',
    subscription_id bigint unsigned null comment 'The subscription that ordered by itself, if one did.',
    status enum ('placed', 'paid', 'shipped', 'delivered', 'cancelled') not null default 'placed'
        comment 'How far it has come.',
    total decimal(12, 2) not null comment 'Yen, tax included.',
    note varchar(200) null comment 'What the customer wrote to it.',
    ordered_at datetime(6) not null comment 'When it was placed, in Japan.',
    updated_at timestamp(6) not null default current_timestamp(6) on update current_timestamp(6)
        comment 'When the row was last written.',
    key ix_orders_customer (customer_id, order_id),
    key ix_orders_updated (updated_at)
) engine = innodb default charset = utf8mb4;

create table order_lines (
    order_id bigint unsigned not null comment 'The order.',
    line_no smallint unsigned not null comment 'The line in it, from 1 on.',
    product_id varchar(16) not null comment 'What was ordered.',
    quantity int not null comment 'Cases.',
    case_price decimal(10, 2) not null comment 'Price of a case in yen, tax included.',
    ordered_at datetime(6) not null comment 'When the order was placed, in Japan.',
    updated_at timestamp(6) not null default current_timestamp(6) on update current_timestamp(6)
        comment 'When the row was last written.',
    primary key (order_id, line_no),
    key ix_order_lines_updated (updated_at),
    constraint ck_order_lines_quantity check (quantity > 0)
) engine = innodb default charset = utf8mb4;

create table payments (
    payment_id bigint unsigned not null auto_increment primary key comment 'The payment.',
    order_id bigint unsigned not null comment 'The order that it pays.',
    method enum ('card', 'invoice', 'konbini') not null comment 'How it is paid.',
    status enum ('authorized', 'captured', 'refunded', 'failed') not null comment 'What became of it.',
    amount decimal(12, 2) not null comment 'Yen, tax included.',
    created_at datetime(6) not null comment 'When it was begun, in Japan.',
    updated_at timestamp(6) not null default current_timestamp(6) on update current_timestamp(6)
        comment 'When the row was last written.',
    key ix_payments_order (order_id),
    key ix_payments_updated (updated_at)
) engine = innodb default charset = utf8mb4;
