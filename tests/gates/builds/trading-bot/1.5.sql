alter table signals add column if not exists strength numeric not null default 0;
