create role trader login;
create role checks login;
grant pg_monitor, pg_read_all_data to checks;
create database trading owner trader;
\connect trading
create extension pg_stat_statements;
set role trader;

create table users (id int primary key, name text not null);
create table positions (id serial primary key, user_id int not null, symbol text not null, quantity numeric not null);
create table signals (id serial primary key, symbol text not null, side text not null, created_at timestamptz not null);
create table approvals (id serial primary key, signal_id int not null, approved_by text not null);
create table audit_logs (id serial primary key, user_id int, entry text not null, created_at timestamptz not null);
create table reconciliation_logs (id serial primary key, user_id int not null, difference numeric not null, created_at timestamptz not null);
create table reconciliation_logs_archive (like reconciliation_logs);

insert into users select n, 'user ' || n from generate_series(1, 200) n;
insert into positions (user_id, symbol, quantity) select n % 200 + 1, 'BTCUSD', n from generate_series(1, 1000) n;
insert into signals (symbol, side, created_at) select 'BTCUSD', 'buy', now() - n * interval '1 hour' from generate_series(1, 500) n;
insert into approvals (signal_id, approved_by) select n, 'rules' from generate_series(1, 500) n;
insert into audit_logs (user_id, entry, created_at) select n % 200 + 1, 'signed in', now() - n * interval '1 minute' from generate_series(1, 5000) n;
insert into reconciliation_logs (user_id, difference, created_at)
  select n % 200 + 1, 0, now() - n * interval '4 minutes' from generate_series(1, 20000) n;
insert into reconciliation_logs_archive
  select n, n % 200 + 1, 0, now() - interval '100 days' from generate_series(1, 1000) n;

create index ix_positions_user_id on positions (user_id);
create index ix_reconciliation_user_created on reconciliation_logs (user_id, created_at);
reset role;
analyze;
select pg_stat_statements_reset() \g /dev/null
