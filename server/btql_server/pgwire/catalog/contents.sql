-- What is in the relations, one query each, below the relation's name. A column that a query does not give has the
-- value that relations.py says; a relation without a query is empty.

-- pg_catalog.pg_namespace
SELECT oid, nspname, 10 AS nspowner FROM b_schemas
WHERE always OR oid IN (SELECT relnamespace FROM b_tables);

-- pg_catalog.pg_class
SELECT t.oid, t.relname, t.relnamespace, 10 AS relowner, 2 AS relam, t.oid AS relfilenode, -1 AS relpages,
    -1 AS reltuples, true AS relhasindex, 'p' AS relpersistence, 'r' AS relkind, s.columns AS relnatts,
    true AS relispopulated, 'd' AS relreplident
FROM b_tables AS t JOIN b_shapes AS s USING (shape)
UNION ALL BY NAME
SELECT t.oid + 1 AS oid, t.relname || '_pkey' AS relname, t.relnamespace, 10 AS relowner, 403 AS relam,
    t.oid + 1 AS relfilenode, -1 AS reltuples, 'p' AS relpersistence, 'i' AS relkind, 1 AS relnatts,
    true AS relispopulated, 'n' AS relreplident
FROM b_tables AS t
UNION ALL BY NAME
SELECT oid, relname, relnamespace, 10 AS relowner, CASE relkind WHEN 'r' THEN 2 ELSE 0 END AS relam,
    oid AS relfilenode, -1 AS reltuples, 'p' AS relpersistence, relkind, columns AS relnatts, true AS relispopulated,
    'n' AS relreplident
FROM b_relations;

-- pg_catalog.pg_attribute
SELECT c.attrelid, c.attname, c.atttypid, -1 AS attstattarget, y.typlen AS attlen, c.attnum,
    CASE WHEN y.typelem <> 0 AND y.typlen = -1 THEN 1 ELSE 0 END AS attndims, -1 AS attcacheoff, -1 AS atttypmod,
    y.typbyval AS attbyval, y.typalign AS attalign, y.typstorage AS attstorage, c.attnotnull,
    true AS attislocal, y.typcollation AS attcollation
FROM (
    SELECT t.oid AS attrelid, k.attname, k.atttypid, k.attnum, k.attnotnull
    FROM b_tables AS t JOIN b_columns AS k USING (shape)
    UNION ALL
    SELECT t.oid + 1, 'id', 25, 1, false FROM b_tables AS t
    UNION ALL
    SELECT attrelid, attname, atttypid, attnum, false FROM b_relation_columns
) AS c JOIN b_types AS y ON y.oid = c.atttypid;

-- pg_catalog.pg_type
SELECT * EXCLUDE (sqlname, alias) FROM b_types;

-- pg_catalog.pg_proc
SELECT * EXCLUDE (arguments, result, note) FROM b_procs;

-- pg_catalog.pg_index
SELECT oid + 1 AS indexrelid, oid AS indrelid, 1 AS indnatts, 1 AS indnkeyatts, true AS indisunique,
    true AS indisprimary, true AS indimmediate, true AS indisvalid, true AS indisready, true AS indislive,
    [1] AS indkey, [100] AS indcollation, [3126] AS indclass, [0] AS indoption
FROM b_tables;

-- pg_catalog.pg_constraint
SELECT oid + 2 AS oid, relname || '_pkey' AS conname, relnamespace AS connamespace, 'p' AS contype,
    true AS convalidated, oid AS conrelid, oid + 1 AS conindid, ' ' AS confupdtype, ' ' AS confdeltype,
    ' ' AS confmatchtype, true AS conislocal, true AS connoinherit, [1] AS conkey
FROM b_tables;

-- pg_catalog.pg_description
SELECT oid AS objoid, 1259 AS classoid, 0 AS objsubid, note AS description FROM b_tables WHERE note IS NOT NULL
UNION ALL BY NAME
SELECT t.oid AS objoid, 1259 AS classoid, k.attnum AS objsubid, k.note AS description
FROM b_tables AS t JOIN b_columns AS k USING (shape) WHERE k.note IS NOT NULL
UNION ALL BY NAME
SELECT oid AS objoid, 2615 AS classoid, 0 AS objsubid, note AS description FROM b_schemas WHERE note IS NOT NULL
UNION ALL BY NAME
SELECT oid AS objoid, 1255 AS classoid, 0 AS objsubid, note AS description FROM b_procs WHERE note IS NOT NULL;

-- pg_catalog.pg_shdescription
SELECT 5 AS objoid, 1262 AS classoid, 'traces, experiments and datasets' AS description;

-- pg_catalog.pg_database
SELECT 5 AS oid, getvariable('b_database') AS datname, 10 AS datdba, 6 AS encoding, 'c' AS datlocprovider,
    true AS datallowconn, -1 AS datconnlimit, 1663 AS dattablespace, 'C.UTF-8' AS datcollate, 'C.UTF-8' AS datctype;

-- pg_catalog.pg_roles
SELECT getvariable('b_user') AS rolname, true AS rolinherit, true AS rolcanlogin, -1 AS rolconnlimit,
    '********' AS rolpassword, 10 AS oid;

-- pg_catalog.pg_user
SELECT getvariable('b_user') AS usename, 10 AS usesysid, '********' AS passwd;

-- pg_catalog.pg_am
SELECT 2 AS oid, 'heap' AS amname, 't' AS amtype UNION ALL SELECT 403, 'btree', 'i';

-- pg_catalog.pg_collation
SELECT oid, collname, 11 AS collnamespace, 10 AS collowner, provider AS collprovider, true AS collisdeterministic,
    -1 AS collencoding, nullif(collname, 'default') AS collcollate, nullif(collname, 'default') AS collctype
FROM (VALUES (100, 'default', 'd'), (950, 'C', 'c'), (951, 'POSIX', 'c')) AS v (oid, collname, provider);

-- pg_catalog.pg_language
SELECT 12 AS oid, 'internal' AS lanname, 10 AS lanowner UNION ALL SELECT 14, 'sql', 10;

-- pg_catalog.pg_tablespace
SELECT 1663 AS oid, 'pg_default' AS spcname, 10 AS spcowner UNION ALL SELECT 1664, 'pg_global', 10;

-- pg_catalog.pg_opclass
SELECT 3126 AS oid, 403 AS opcmethod, 'text_ops' AS opcname, 11 AS opcnamespace, 10 AS opcowner, 1994 AS opcfamily,
    25 AS opcintype, true AS opcdefault;

-- pg_catalog.pg_opfamily
SELECT 1994 AS oid, 403 AS opfmethod, 'text_ops' AS opfname, 11 AS opfnamespace, 10 AS opfowner;

-- pg_catalog.pg_settings
SELECT unnest(getvariable('b_setting_names')) AS name, unnest(getvariable('b_setting_values')) AS setting,
    'Settings' AS category, 'user' AS context, 'string' AS vartype, 'default' AS source;

-- pg_catalog.pg_stat_activity
SELECT 5 AS datid, getvariable('b_database') AS datname, CAST(getvariable('b_pid') AS INTEGER) AS pid, 10 AS usesysid,
    getvariable('b_user') AS usename, 'active' AS state, 'client backend' AS backend_type;

-- pg_catalog.pg_tables
SELECT nspname AS schemaname, relname AS tablename, getvariable('b_user') AS tableowner, true AS hasindexes
FROM b_tables
UNION ALL BY NAME
SELECT s.nspname AS schemaname, r.relname AS tablename, getvariable('b_user') AS tableowner, false AS hasindexes
FROM b_relations AS r JOIN b_schemas AS s ON s.oid = r.relnamespace WHERE r.relkind = 'r';

-- pg_catalog.pg_views
SELECT s.nspname AS schemaname, r.relname AS viewname, getvariable('b_user') AS viewowner
FROM b_relations AS r JOIN b_schemas AS s ON s.oid = r.relnamespace WHERE r.relkind = 'v';

-- pg_catalog.pg_indexes
SELECT nspname AS schemaname, relname AS tablename, relname || '_pkey' AS indexname,
    b_pg_get_indexdef(oid + 1) AS indexdef
FROM b_tables;

-- pg_catalog.pg_stat_user_tables
SELECT oid AS relid, nspname AS schemaname, relname, CAST(NULL AS BIGINT) AS n_live_tup FROM b_tables;

-- pg_catalog.pg_stat_all_tables
SELECT oid AS relid, nspname AS schemaname, relname, CAST(NULL AS BIGINT) AS n_live_tup FROM b_tables;

-- pg_catalog.pg_stat_user_indexes
SELECT oid AS relid, oid + 1 AS indexrelid, nspname AS schemaname, relname, relname || '_pkey' AS indexrelname
FROM b_tables;

-- pg_catalog.pg_timezone_names
SELECT 'UTC' AS name, 'UTC' AS abbrev, INTERVAL 0 SECOND AS utc_offset, false AS is_dst;

-- information_schema.information_schema_catalog_name
SELECT getvariable('b_database') AS catalog_name;

-- information_schema.schemata
SELECT getvariable('b_database') AS catalog_name, nspname AS schema_name, getvariable('b_user') AS schema_owner
FROM pgc.pg_namespace;

-- information_schema.tables
SELECT getvariable('b_database') AS table_catalog, n.nspname AS table_schema, c.relname AS table_name,
    CASE c.relkind WHEN 'r' THEN 'BASE TABLE' ELSE 'VIEW' END AS table_type,
    CASE WHEN c.oid >= 16384 THEN 'YES' ELSE 'NO' END AS is_insertable_into, 'NO' AS is_typed
FROM pgc.pg_class AS c JOIN b_schemas AS n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'v');

-- information_schema.paths
SELECT getvariable('b_database') AS table_catalog, table_schema, table_name, path, kinds
FROM query_table(getvariable('b_paths'));

-- information_schema.columns
SELECT getvariable('b_database') AS table_catalog, n.nspname AS table_schema, c.relname AS table_name,
    a.attname AS column_name, a.attnum AS ordinal_position, CASE WHEN a.attnotnull THEN 'NO' ELSE 'YES' END AS is_nullable,
    CASE WHEN y.typcategory = 'A' THEN 'ARRAY' ELSE y.sqlname END AS data_type,
    CASE WHEN y.typcategory = 'S' AND y.typlen < 0 THEN 1073741824 END AS character_octet_length,
    CASE y.oid WHEN 21 THEN 16 WHEN 23 THEN 32 WHEN 20 THEN 64 WHEN 700 THEN 24 WHEN 701 THEN 53 END AS numeric_precision,
    CASE WHEN y.oid IN (20, 21, 23, 700, 701) THEN 2 END AS numeric_precision_radix,
    CASE WHEN y.oid IN (20, 21, 23) THEN 0 END AS numeric_scale,
    CASE WHEN y.oid IN (1083, 1114, 1184, 1186, 1266) THEN 6 WHEN y.oid = 1082 THEN 0 END AS datetime_precision,
    getvariable('b_database') AS udt_catalog, 'pg_catalog' AS udt_schema, y.typname AS udt_name,
    CAST(a.attnum AS VARCHAR) AS dtd_identifier, 'NO' AS is_self_referencing, 'NO' AS is_identity,
    'NO' AS identity_cycle, 'NEVER' AS is_generated, CASE WHEN c.oid >= 16384 THEN 'YES' ELSE 'NO' END AS is_updatable
FROM pgc.pg_attribute AS a
JOIN pgc.pg_class AS c ON c.oid = a.attrelid AND c.relkind IN ('r', 'v')
JOIN b_schemas AS n ON n.oid = c.relnamespace
JOIN b_types AS y ON y.oid = a.atttypid
WHERE a.attnum > 0;

-- information_schema.table_constraints
SELECT getvariable('b_database') AS constraint_catalog, nspname AS constraint_schema,
    relname || '_pkey' AS constraint_name, getvariable('b_database') AS table_catalog, nspname AS table_schema,
    relname AS table_name, 'PRIMARY KEY' AS constraint_type, 'NO' AS is_deferrable, 'NO' AS initially_deferred,
    'YES' AS enforced
FROM b_tables;

-- information_schema.key_column_usage
SELECT getvariable('b_database') AS constraint_catalog, nspname AS constraint_schema,
    relname || '_pkey' AS constraint_name, getvariable('b_database') AS table_catalog, nspname AS table_schema,
    relname AS table_name, 'id' AS column_name, 1 AS ordinal_position
FROM b_tables;

-- information_schema.constraint_column_usage
SELECT getvariable('b_database') AS table_catalog, nspname AS table_schema, relname AS table_name,
    'id' AS column_name, getvariable('b_database') AS constraint_catalog, nspname AS constraint_schema,
    relname || '_pkey' AS constraint_name
FROM b_tables;

-- information_schema.views
SELECT getvariable('b_database') AS table_catalog, s.nspname AS table_schema, r.relname AS table_name,
    'NONE' AS check_option, 'NO' AS is_updatable, 'NO' AS is_insertable_into, 'NO' AS is_trigger_updatable,
    'NO' AS is_trigger_deletable, 'NO' AS is_trigger_insertable_into
FROM b_relations AS r JOIN b_schemas AS s ON s.oid = r.relnamespace WHERE r.relkind = 'v';

-- information_schema.table_privileges
SELECT getvariable('b_user') AS grantor, getvariable('b_user') AS grantee, getvariable('b_database') AS table_catalog,
    nspname AS table_schema, relname AS table_name, 'SELECT' AS privilege_type, 'NO' AS is_grantable,
    'YES' AS with_hierarchy
FROM b_tables;

-- information_schema.role_table_grants
SELECT getvariable('b_user') AS grantor, getvariable('b_user') AS grantee, getvariable('b_database') AS table_catalog,
    nspname AS table_schema, relname AS table_name, 'SELECT' AS privilege_type, 'NO' AS is_grantable,
    'YES' AS with_hierarchy
FROM b_tables;

-- information_schema.column_privileges
SELECT getvariable('b_user') AS grantor, getvariable('b_user') AS grantee, getvariable('b_database') AS table_catalog,
    t.nspname AS table_schema, t.relname AS table_name, k.attname AS column_name, 'SELECT' AS privilege_type,
    'NO' AS is_grantable
FROM b_tables AS t JOIN b_columns AS k USING (shape);

-- information_schema.enabled_roles
SELECT getvariable('b_user') AS role_name;

-- information_schema.character_sets
SELECT 'UTF8' AS character_set_name, 'UCS' AS character_repertoire, 'UTF8' AS form_of_use,
    getvariable('b_database') AS default_collate_catalog, 'pg_catalog' AS default_collate_schema,
    'C.UTF-8' AS default_collate_name;
