-- What the shop's API keeps beside the shop's own tables. `vending migrate shop --apply` runs this, as a person starts it.
-- The shop's own tables stay as they are, so their extraction does too.

-- Every change that the API makes, written in the same transaction: the audit, and what makes a change happen once. A
-- request that is sent again, or done again after a commit whose answer was lost, finds its token here.
create table if not exists api_changes (
    change_id bigint unsigned not null auto_increment primary key comment 'The change, in the order of beginning.',
    token binary(32) not null comment 'Of the caller and the Idempotency-Key, or of the request.',
    digest binary(32) not null comment 'Of what was requested: the same key with other content is refused.',
    caller varchar(120) not null comment 'Who requested it, as the log of the API calls them.',
    request_id varchar(64) not null comment 'The request that did it, as in the log.',
    action varchar(40) not null comment 'What was done.',
    subject_id bigint unsigned null comment 'The number of the order, subscription or customer that it is about.',
    details varchar(2000) not null default '{}' comment 'JSON: what changed, without personal data.',
    changed_at timestamp(6) not null default current_timestamp(6) comment 'When that was.',
    unique key uk_api_changes_token (token),
    key ix_api_changes_subject (action, subject_id)
) engine = innodb default charset = utf8mb4;

-- Which cases an order holds. The stock of a product was reduced by these when the order was placed.
create table if not exists stock_reservations (
    order_id bigint unsigned not null comment 'The order.',
    product_id varchar(16) not null comment 'The product.',
    quantity int not null comment 'Cases.',
    status enum ('held', 'released', 'shipped') not null default 'held'
        comment 'Held until the order is shipped, or is cancelled: then the cases are in the stock again.',
    updated_at timestamp(6) not null default current_timestamp(6) on update current_timestamp(6)
        comment 'When the row was last written.',
    primary key (order_id, product_id),
    key ix_stock_reservations_product (product_id, status),
    key ix_stock_reservations_updated (updated_at),
    constraint ck_stock_reservations_quantity check (quantity > 0)
) engine = innodb default charset = utf8mb4;

-- What the categories of products are called; the operator's master data fills it. A category without a row has no name.
create table if not exists product_categories (
    category_id varchar(16) not null primary key comment 'The category.',
    category_name varchar(120) not null comment 'What it is called.',
    updated_at timestamp(6) not null default current_timestamp(6) on update current_timestamp(6)
        comment 'When the row was last written.'
) engine = innodb default charset = utf8mb4;
