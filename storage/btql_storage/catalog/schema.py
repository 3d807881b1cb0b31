"""The tables of the catalog.

Version 1 was before rows of the past were kept, version 2 before objects could be deleted, parts be quarantined and
work be leased. An older file is read as it is, and brought up to date when it is written.
"""

from __future__ import annotations

from btql_storage.databases.interface import Schema

HISTORY_SINCE = 2
"""The version that has rows of the past."""
CHANGES_SINCE = 3
"""The version that counts changes, and has deleted objects and quarantined parts."""

_TABLES = """
create table numbers (name text primary key, value integer not null) without rowid;
insert into numbers values ('part', 0), ('processed_upto', 0);

create table settings (name text primary key, value text not null) without rowid;

create table leases (
    name text primary key,
    holder text not null,
    token integer not null,
    expires_at integer not null
) without rowid;

create table objects (
    id integer primary key,
    kind text not null,
    name text not null,
    changed integer not null default 0,
    deleted_at integer,
    deleted_upto integer not null default 0,
    purged_at integer
);
create unique index objects_by_name on objects (kind, name) where deleted_at is null;

create table segments (
    id integer primary key,
    object_id integer not null references objects (id),
    events integer not null
);
create index segments_by_object on segments (object_id);

create table assignments (
    xact_id integer not null,
    segment_id integer not null references segments (id),
    object_id integer not null references objects (id),
    rows blob not null,
    events integer not null,
    json_bytes integer not null,
    primary key (xact_id, segment_id)
) without rowid;
create index assignments_by_object on assignments (object_id);

create table parts (
    id integer primary key,
    object_id integer not null references objects (id),
    segment_id integer not null references segments (id),
    stats blob not null,
    file_bytes blob not null,
    superseded blob not null,
    replaced_at integer,
    until blob,
    until_max integer,
    quarantined text,
    purge_since integer
);
create index parts_by_object on parts (object_id) where replaced_at is null;

create table done_files (xact_id integer primary key, done_at integer not null);
"""

_FROM_1_TO_2 = """
alter table parts add column until blob;
alter table parts add column until_max integer;
insert or ignore into numbers
select 'compacted_upto ' || id, (select value from numbers where name = 'processed_upto') from objects
where (select coalesce(sum(events), 0) from segments where object_id = objects.id)
    > (select coalesce(sum(events), 0) from assignments where object_id = objects.id);
"""
"""What is in parts by then has no history, so it is noted up to where; the oldest files did not note it."""

_FROM_2_TO_3 = """
create table settings (name text primary key, value text not null) without rowid;
create table leases (
    name text primary key, holder text not null, token integer not null, expires_at integer not null
) without rowid;
alter table parts add column quarantined text;
alter table parts add column purge_since integer;
create table objects_3 (
    id integer primary key,
    kind text not null,
    name text not null,
    changed integer not null default 0,
    deleted_at integer,
    deleted_upto integer not null default 0,
    purged_at integer
);
insert into objects_3 (id, kind, name) select id, kind, name from objects;
drop table objects;
alter table objects_3 rename to objects;
create unique index objects_by_name on objects (kind, name) where deleted_at is null;
"""
"""A name may be used again once its object was deleted, so the table gets another index."""

SCHEMA = Schema("catalog", 3, _TABLES, {1: _FROM_1_TO_2, 2: _FROM_2_TO_3})
