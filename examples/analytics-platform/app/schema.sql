create table engines (name text primary key, jobs bigint not null default 0, newest real);
insert into engines (name) values ('load');

create table jobs (
    id bigint generated always as identity primary key,
    engine text not null,
    value real not null,
    status text not null default 'waiting',
    created_at timestamptz not null default now()
);
create table requests (at timestamptz not null default now(), status int not null, ms real not null);
create table probes (at timestamptz not null default now(), up boolean not null);
create table alerts (name text not null, raised_at timestamptz not null default now(), ended_at timestamptz);
create table audit (at timestamptz not null default now(), action text not null, who text not null, path text not null);
