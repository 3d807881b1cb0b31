"""What dashboards and database browsers ask of the catalog, in the shape in which they are known to ask it."""

from __future__ import annotations

GRAFANA = {
    "version": "SELECT current_setting('server_version_num')::int/100 as version",
    "timescale": "SELECT count(*) as count FROM pg_extension WHERE extname = 'timescaledb'",
    "tables": """
        SELECT CASE WHEN quote_ident(table_schema) IN (
            SELECT CASE WHEN trim(s[i]) = '"$user"' THEN user ELSE trim(s[i]) END
            FROM generate_series(
                array_lower(string_to_array(current_setting('search_path'), ','), 1),
                array_upper(string_to_array(current_setting('search_path'), ','), 1)) as i,
            string_to_array(current_setting('search_path'), ',') s)
        THEN quote_ident(table_name)
        ELSE quote_ident(table_schema) || '.' || quote_ident(table_name) END AS "table"
        FROM information_schema.tables
        WHERE quote_ident(table_schema) NOT IN ('information_schema', 'pg_catalog', '_timescaledb_cache')
        ORDER BY CASE WHEN quote_ident(table_schema) IN (
            SELECT CASE WHEN trim(s[i]) = '"$user"' THEN user ELSE trim(s[i]) END
            FROM generate_series(
                array_lower(string_to_array(current_setting('search_path'), ','), 1),
                array_upper(string_to_array(current_setting('search_path'), ','), 1)) as i,
            string_to_array(current_setting('search_path'), ',') s) THEN 0 ELSE 1 END, 1""",
    "columns": """
        SELECT quote_ident(column_name) AS "column", data_type AS "type"
        FROM information_schema.columns
        WHERE CASE WHEN array_length(parse_ident('project_logs.demo'), 1) = 2
            THEN quote_ident(table_schema) = (parse_ident('project_logs.demo'))[1]
                AND quote_ident(table_name) = (parse_ident('project_logs.demo'))[2]
            ELSE quote_ident(table_name) = 'project_logs.demo' END""",
    "time columns": """
        SELECT quote_ident(column_name) FROM information_schema.columns
        WHERE quote_ident(table_name) = 'demo'
          AND data_type IN ('timestamp without time zone', 'timestamp with time zone', 'bigint', 'integer')
        ORDER BY column_name""",
}
METABASE = {
    "schemas": "SELECT nspname AS table_schem, NULL AS table_catalog FROM pg_catalog.pg_namespace"
    " WHERE nspname <> 'pg_toast' AND (nspname !~ '^pg_temp_') AND (nspname !~ '^pg_toast_temp_') ORDER BY table_schem",
    "tables": """
        SELECT "n"."nspname" AS "schema", "c"."relname" AS "name",
            CASE "c"."relkind" WHEN 'r' THEN 'TABLE' WHEN 'p' THEN 'PARTITIONED TABLE' WHEN 'v' THEN 'VIEW'
                WHEN 'f' THEN 'FOREIGN TABLE' WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE NULL END AS "type",
            "d"."description" AS "description", "stat"."n_live_tup" AS "estimated_row_count"
        FROM "pg_catalog"."pg_class" AS "c"
        INNER JOIN "pg_catalog"."pg_namespace" AS "n" ON "c"."relnamespace" = "n"."oid"
        LEFT JOIN "pg_catalog"."pg_description" AS "d" ON ("c"."oid" = "d"."objoid") AND ("d"."objsubid" = 0)
            AND ("d"."classoid" = 'pg_class'::regclass)
        LEFT JOIN "pg_stat_user_tables" AS "stat"
            ON ("n"."nspname" = "stat"."schemaname") AND ("c"."relname" = "stat"."relname")
        WHERE ("c"."relnamespace" = "n"."oid") AND ("n"."nspname" !~ '^pg_') AND ("n"."nspname" <> 'information_schema')
            AND "c"."relkind" IN ('r', 'p', 'v', 'f', 'm') AND ("n"."nspname" IN ('project_logs', 'dataset'))
        ORDER BY "type" ASC, "schema" ASC, "name" ASC""",
    "fields": """
        SELECT "c"."column_name" AS "name",
            CASE WHEN "c"."udt_schema" IN ('public', 'pg_catalog') THEN FORMAT('%s', "c"."udt_name")
                ELSE FORMAT('"%s"."%s"', "c"."udt_schema", "c"."udt_name") END AS "database-type",
            "c"."ordinal_position" - 1 AS "database-position", "c"."table_schema" AS "table-schema",
            "c"."table_name" AS "table-name", "pk"."column_name" IS NOT NULL AS "pk?",
            COL_DESCRIPTION(CAST(CAST(FORMAT('%I.%I', CAST("c"."table_schema" AS TEXT), CAST("c"."table_name" AS TEXT))
                AS REGCLASS) AS OID), "c"."ordinal_position") AS "field-comment",
            (("column_default" IS NULL OR LOWER("column_default") = 'null') AND ("is_nullable" = 'NO')
                AND NOT (("column_default" IS NOT NULL AND "column_default" LIKE '%nextval(%')
                OR "is_identity" <> 'NO')) AS "database-required"
        FROM "information_schema"."columns" AS "c"
        LEFT JOIN (
            SELECT "tc"."table_schema", "tc"."table_name", "kc"."column_name"
            FROM "information_schema"."table_constraints" AS "tc"
            INNER JOIN "information_schema"."key_column_usage" AS "kc"
                ON ("tc"."constraint_name" = "kc"."constraint_name") AND ("tc"."table_schema" = "kc"."table_schema")
                AND ("tc"."table_name" = "kc"."table_name")
            WHERE "tc"."constraint_type" = 'PRIMARY KEY') AS "pk"
            ON ("c"."table_schema" = "pk"."table_schema") AND ("c"."table_name" = "pk"."table_name")
            AND ("c"."column_name" = "pk"."column_name")
        WHERE c.table_schema !~ '^information_schema|catalog_history|pg_' AND ("c"."table_schema" IN ('project_logs'))
            AND ("c"."table_name" IN ('demo'))
        ORDER BY "table-schema" ASC, "table-name" ASC, "database-position" ASC""",
    "privileges": """
        with table_privileges as (
            select NULL as role, t.schemaname as schema, t.objectname as table,
                pg_catalog.has_any_column_privilege(current_user, '"' || t.schemaname || '"' || '.' || '"'
                    || t.objectname || '"', 'update') as update,
                pg_catalog.has_any_column_privilege(current_user, '"' || t.schemaname || '"' || '.' || '"'
                    || t.objectname || '"', 'select') as select
            from (select schemaname, tablename as objectname from pg_catalog.pg_tables
                union select schemaname, viewname as objectname from pg_views
                union select schemaname, matviewname as objectname from pg_matviews) t
            where t.schemaname !~ '^pg_' and t.schemaname <> 'information_schema'
                and pg_catalog.has_schema_privilege(current_user, t.schemaname, 'usage'))
        select t.* from table_privileges t""",
    "indexes": """
        SELECT tmp.table_schema, tmp.table_name, TRIM(BOTH '"' FROM pg_catalog.pg_get_indexdef(
            tmp.ci_oid, tmp.pos, false)) AS field_name
        FROM (SELECT n.nspname AS table_schema, ct.relname AS table_name, ci.oid AS ci_oid,
                (information_schema._pg_expandarray(i.indkey)).n AS pos
            FROM pg_catalog.pg_class ct JOIN pg_catalog.pg_namespace n ON (ct.relnamespace = n.oid)
            JOIN pg_catalog.pg_index i ON (ct.oid = i.indrelid)
            JOIN pg_catalog.pg_class ci ON (ci.oid = i.indexrelid)
            WHERE (pg_catalog.pg_get_expr(i.indpred, i.indrelid) IS NULL) AND n.nspname !~ '^information_schema|pg_'
            ) tmp WHERE tmp.pos = 1""",
    "enums": "SELECT nspname, typname FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace"
    " WHERE t.oid IN (SELECT DISTINCT enumtypid FROM pg_enum e)",
}
DBEAVER = {
    "session": "SELECT current_schema(),session_user",
    "types": """
        SELECT t.oid,t.*,c.relkind,format_type(nullif(t.typbasetype, 0), t.typtypmod) as base_type_name, d.description
        FROM pg_catalog.pg_type t
        LEFT OUTER JOIN pg_catalog.pg_type et ON et.oid=t.typelem
        LEFT OUTER JOIN pg_catalog.pg_class c ON c.oid=t.typrelid
        LEFT OUTER JOIN pg_catalog.pg_description d ON t.oid=d.objoid
        WHERE t.typname IS NOT NULL
            AND (c.relkind IS NULL OR c.relkind = 'c') AND (et.typcategory IS NULL OR et.typcategory <> 'C')""",
    "database": "SELECT db.oid,db.* FROM pg_catalog.pg_database db WHERE datallowconn AND NOT datistemplate"
    " OR db.datname = 'btql' ORDER BY db.datname",
    "schemas": """
        SELECT n.oid,n.*,d.description FROM pg_catalog.pg_namespace n
        LEFT OUTER JOIN pg_catalog.pg_description d ON d.objoid=n.oid AND d.objsubid=0
            AND d.classoid='pg_namespace'::regclass
        ORDER BY nspname""",
    "tables": """
        SELECT c.oid,c.*,d.description,pg_catalog.pg_get_expr(c.relpartbound, c.oid) as partition_expr,
            pg_catalog.pg_get_partkeydef(c.oid) as partition_key
        FROM pg_catalog.pg_class c
        LEFT OUTER JOIN pg_catalog.pg_description d ON d.objoid=c.oid AND d.objsubid=0
            AND d.classoid='pg_class'::regclass
        WHERE c.relnamespace=15001 AND c.relkind not in ('i','I','c')""",
    "columns": """
        SELECT c.relname,a.*,pg_catalog.pg_get_expr(ad.adbin, ad.adrelid, true) as def_value,dsc.description,dep.objid
        FROM pg_catalog.pg_attribute a
        INNER JOIN pg_catalog.pg_class c ON (a.attrelid=c.oid)
        LEFT OUTER JOIN pg_catalog.pg_attrdef ad ON (a.attrelid=ad.adrelid AND a.attnum = ad.adnum)
        LEFT OUTER JOIN pg_catalog.pg_description dsc ON (c.oid=dsc.objoid AND a.attnum = dsc.objsubid)
        LEFT OUTER JOIN pg_depend dep on dep.refobjid = a.attrelid AND dep.deptype = 'i'
            and dep.refobjsubid = a.attnum and dep.classid = dep.refclassid
        WHERE NOT a.attisdropped AND c.relkind not in ('i','I','c') AND c.oid='demo'::regclass ORDER BY a.attnum""",
    "constraints": """
        SELECT c.oid,c.*,t.relname as tabrelname,rt.relnamespace as refnamespace,d.description,
            case when c.contype='c' then "substring"(pg_get_constraintdef(c.oid), 7) else null end consrc_copy
        FROM pg_catalog.pg_constraint c
        INNER JOIN pg_catalog.pg_class t ON t.oid=c.conrelid
        LEFT OUTER JOIN pg_catalog.pg_class rt ON rt.oid=c.confrelid
        LEFT OUTER JOIN pg_catalog.pg_description d ON d.objoid=c.oid AND d.objsubid=0
            AND d.classoid='pg_constraint'::regclass
        WHERE c.conrelid='demo'::regclass ORDER BY c.oid""",
    "indexes": """
        SELECT i.*,i.indkey as keys,c.relname,c.relnamespace,c.relam,c.reltablespace,tc.relname as tabrelname,
            dsc.description,pg_catalog.pg_get_expr(i.indpred, i.indrelid) as pred_expr,
            pg_catalog.pg_get_expr(i.indexprs, i.indrelid, true) as expr, pg_catalog.pg_relation_size(i.indexrelid)
                as index_rel_size, pg_catalog.pg_stat_get_numscans(i.indexrelid) as index_num_scans
        FROM pg_catalog.pg_index i
        INNER JOIN pg_catalog.pg_class c ON c.oid=i.indexrelid
        INNER JOIN pg_catalog.pg_class tc ON tc.oid=i.indrelid
        LEFT OUTER JOIN pg_catalog.pg_description dsc ON i.indexrelid=dsc.objoid
        WHERE i.indrelid='demo'::regclass ORDER BY tabrelname, c.relname""",
    "roles": "SELECT a.oid,a.*,pd.description FROM pg_catalog.pg_roles a"
    " left join pg_catalog.pg_shdescription pd on a.oid = pd.objoid ORDER BY a.rolname",
    "settings": "select * from pg_catalog.pg_settings",
    "size": "select pg_catalog.pg_total_relation_size(c.oid), pg_catalog.pg_relation_size(c.oid)"
    " from pg_class c where c.relname = 'demo'",
}
TABLEAU = {
    "tables": """
        select NULL::text AS "TABLE_CAT", n.nspname, c.relname, c.relkind
        from pg_catalog.pg_class c, pg_catalog.pg_namespace n
        where c.relkind in ('r', 'v', 'm', 'f', 'p') and nspname not in ('pg_catalog', 'information_schema',
            'pg_toast', 'pg_temp_1') and n.oid = c.relnamespace order by nspname, relname""",
    "columns": """
        select n.nspname, c.relname, a.attname, a.atttypid, t.typname, a.attnum, a.attlen, a.atttypmod, a.attnotnull,
            c.relhasrules, c.relkind, c.oid, pg_get_expr(d.adbin, d.adrelid), case t.typtype when 'd' then
            t.typbasetype else 0 end, t.typtypmod, 0, attidentity, ''
        from (((pg_catalog.pg_class c inner join pg_catalog.pg_namespace n on n.oid = c.relnamespace
            and c.relname like 'demo' and n.nspname like 'project\\_logs')
            inner join pg_catalog.pg_attribute a on (not a.attisdropped) and a.attnum > 0 and a.attrelid = c.oid)
            inner join pg_catalog.pg_type t on t.oid = a.atttypid)
            left outer join pg_attrdef d on a.atthasdef and d.adrelid = a.attrelid and d.adnum = a.attnum
        order by n.nspname, c.relname, attnum""",
    "keys": """
        select ta.attname, ia.attnum, ic.relname, n.nspname, tc.relname
        from pg_catalog.pg_attribute ta, pg_catalog.pg_attribute ia, pg_catalog.pg_class tc, pg_catalog.pg_index i,
            pg_catalog.pg_namespace n, pg_catalog.pg_class ic
        where tc.relname = 'demo' AND n.nspname = 'project_logs' AND tc.oid = i.indrelid AND n.oid = tc.relnamespace
            AND i.indisprimary = 't' AND ia.attrelid = i.indexrelid AND ta.attrelid = i.indrelid
            AND ta.attnum = i.indkey[ia.attnum-1] AND (NOT ta.attisdropped) AND (NOT ia.attisdropped)
            AND ic.oid = i.indexrelid
        order by ia.attnum""",
    "foreign keys": """
        select t.tgargs, t.tgnargs, t.tgdeferrable, t.tginitdeferred, p1.proname, p2.proname, t.oid, t.tgrelid
        from pg_class c, pg_namespace n, pg_trigger t, pg_proc p1, pg_proc p2
        where c.relname = 'demo' and n.oid = c.relnamespace and t.tgrelid = c.oid and p1.oid = t.tgfoid
            and p2.oid = t.tgfoid""",
}
NPGSQL = {
    "types": """
        SELECT ns.nspname, t.oid, t.typname, t.typtype, t.typnotnull, t.elemtypoid
        FROM (
            SELECT typ.oid, typ.typnamespace, typ.typname, typ.typtype, typ.typrelid, typ.typnotnull, typ.relkind,
                elemtyp.oid AS elemtypoid, elemtyp.typname AS elemtypname, elemcls.relkind AS elemrelkind,
                CASE WHEN elemproc.proname='array_recv' THEN 'a' ELSE elemtyp.typtype END AS elemtyptype
            FROM (
                SELECT typ.oid, typnamespace, typname, typrelid, typnotnull, relkind, typelem AS elemoid,
                    CASE WHEN proc.proname='array_recv' THEN 'a' ELSE typ.typtype END AS typtype,
                    CASE WHEN proc.proname='array_recv' THEN typ.typelem WHEN typ.typtype='r' THEN rngsubtype
                        WHEN typ.typtype='m' THEN (SELECT rngtypid FROM pg_range WHERE rngmultitypid = typ.oid)
                        WHEN typ.typtype='d' THEN typ.typbasetype END AS elemtypoid
                FROM pg_type AS typ
                LEFT JOIN pg_class AS cls ON (cls.oid = typ.typrelid)
                LEFT JOIN pg_proc AS proc ON proc.oid = typ.typreceive
                LEFT JOIN pg_range ON (pg_range.rngtypid = typ.oid)
            ) AS typ
            LEFT JOIN pg_type AS elemtyp ON elemtyp.oid = elemtypoid
            LEFT JOIN pg_class AS elemcls ON (elemcls.oid = elemtyp.typrelid)
            LEFT JOIN pg_proc AS elemproc ON elemproc.oid = elemtyp.typreceive
        ) AS t
        JOIN pg_namespace AS ns ON (ns.oid = typnamespace)
        WHERE typtype IN ('b', 'r', 'm', 'e', 'd') OR (typtype = 'c' AND relkind='c')
            OR (typtype = 'p' AND typname IN ('record', 'void', 'unknown'))
            OR (typtype = 'a' AND (elemtyptype IN ('b', 'r', 'm', 'e', 'd') OR
                (elemtyptype = 'p' AND elemtypname IN ('record', 'void'))))
        ORDER BY CASE WHEN typtype IN ('b', 'e', 'p') THEN 0 WHEN typtype = 'c' THEN 1 WHEN typtype = 'r' THEN 2
            WHEN typtype = 'm' THEN 3 WHEN typtype = 'd' AND elemtyptype <> 'a' THEN 4 WHEN typtype = 'a' THEN 5
            WHEN typtype = 'd' AND elemtyptype = 'a' THEN 6 END""",
    "composites": """
        SELECT typ.oid, att.attname, att.atttypid
        FROM pg_type AS typ JOIN pg_namespace AS ns ON (ns.oid = typ.typnamespace)
        JOIN pg_class AS cls ON (cls.oid = typ.typrelid) JOIN pg_attribute AS att ON (att.attrelid = typ.typrelid)
        WHERE (typ.typtype = 'c' AND cls.relkind='c') AND attnum > 0 AND NOT attisdropped
        ORDER BY typ.oid, att.attnum""",
}
OTHERS = {
    "psql completion": """
        SELECT pg_catalog.quote_ident(c.relname), NULL::pg_catalog.text FROM pg_catalog.pg_class c
        WHERE c.relkind IN ('r', 'S', 'v', 'm', 'f', 'p') AND (pg_catalog.quote_ident(c.relname)) LIKE 'de%'
        AND pg_catalog.pg_table_is_visible(c.oid) LIMIT 1000""",
    "pgcli": "SELECT nspname, relname, attname, pg_catalog.format_type(atttypid, atttypmod) FROM pg_attribute a"
    " JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE c.relkind = ANY('{r,v,m}') AND NOT a.attisdropped AND a.attnum > 0 AND relname = 'demo'",
    "Power BI": "select character_set_name from INFORMATION_SCHEMA.character_sets",
    "DataGrip": "select N.oid::bigint as id, datname as name, D.description, datistemplate as is_template,"
    ' datallowconn as allow_connections, pg_catalog.pg_get_userbyid(N.datdba) as "owner"'
    " from pg_catalog.pg_database N left join pg_catalog.pg_shdescription D on N.oid = D.objoid"
    " order by case when datname = pg_catalog.current_database() then -1::bigint else N.oid::bigint end",
    "pgAdmin": "SELECT oid as id, rolname as name, rolsuper as is_superuser, CASE WHEN rolsuper THEN true"
    " ELSE rolcreaterole END as can_create_role FROM pg_catalog.pg_roles WHERE rolname = current_user",
    "Django": "SELECT c.relname, CASE WHEN c.relispartition THEN 'p' WHEN c.relkind IN ('m', 'v') THEN 'v'"
    " ELSE 't' END, obj_description(c.oid, 'pg_class') FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_namespace n"
    " ON n.oid = c.relnamespace WHERE c.relkind IN ('f', 'm', 'p', 'r', 'v')"
    " AND n.nspname NOT IN ('pg_catalog', 'pg_toast') AND pg_catalog.pg_table_is_visible(c.oid)",
    "Rails": """
        SELECT a.attname, format_type(a.atttypid, a.atttypmod), pg_get_expr(d.adbin, d.adrelid), a.attnotnull,
            a.atttypid, a.atttypmod, c.collname, col_description(a.attrelid, a.attnum) AS comment,
            attidentity AS identity, attgenerated as attgenerated
        FROM pg_attribute a
        LEFT JOIN pg_attrdef d ON a.attrelid = d.adrelid AND a.attnum = d.adnum
        LEFT JOIN pg_type t ON a.atttypid = t.oid
        LEFT JOIN pg_collation c ON a.attcollation = c.oid AND a.attcollation <> t.typcollation
        WHERE a.attrelid = '"demo"'::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum""",
}
PGADMIN = {
    "activity": """
        SELECT pid, datname, usename, application_name, client_addr,
            pg_catalog.to_char(backend_start, 'YYYY-MM-DD HH24:MI:SS TZ') AS backend_start, state,
            pg_catalog.pg_blocking_pids(pid) AS blocking_pids, query
        FROM pg_catalog.pg_stat_activity WHERE datname = (SELECT datname FROM pg_catalog.pg_database LIMIT 1)""",
    "indexes": """
        SELECT cls.relname, (SELECT inhrelid FROM pg_catalog.pg_inherits WHERE inhrelid = cls.oid) AS inherited,
            substring(array_to_string(cls.reloptions, ',') FROM 'fillfactor=([0-9]*)')::int AS fillfactor
        FROM pg_catalog.pg_index idx JOIN pg_catalog.pg_class cls ON cls.oid = indexrelid""",
    "no grants": """
        SELECT (d).grantee AS grantee, (d).is_grantable AS is_grantable, (d).privilege_type AS privilege_type
        FROM (SELECT pg_catalog.aclexplode(relacl) AS d FROM pg_catalog.pg_class WHERE relname = 'demo') a""",
    "no grants, in FROM": "SELECT c.relname, a.grantee FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) AS a",
    "no extensions": "SELECT x.extname, e.comment FROM pg_catalog.pg_extension x"
    " JOIN pg_catalog.pg_available_extensions() e ON x.extname = e.name",
    "no triggers": "SELECT tgname, pg_catalog.encode(tgargs, 'escape') AS arguments FROM pg_catalog.pg_trigger",
    "no standbys": "SELECT pid, COALESCE(host(client_addr), client_hostname) FROM pg_catalog.pg_stat_replication",
    "functions": "SELECT proname, pg_catalog.oidvectortypes(proargtypes) AS arguments FROM pg_catalog.pg_proc",
    "views": "SELECT c.relname FROM pg_class c WHERE c.relkind = 'v'::char AND NOT EXISTS (SELECT r.oid"
    " FROM pg_catalog.pg_rewrite r WHERE r.ev_class = c.oid AND bpchar(r.ev_type) = '2'::bpchar)",
    "columns": "SELECT attname, information_schema._pg_numeric_precision(atttypid, atttypmod) AS digits,"
    " information_schema._pg_numeric_scale(atttypid, atttypmod) AS scale,"
    " information_schema._pg_datetime_precision(atttypid, atttypmod) AS precision,"
    " information_schema._pg_char_max_length(atttypid, atttypmod) AS longest FROM pg_attribute",
}
TOOLS = {
    "Grafana": GRAFANA,
    "Metabase": METABASE,
    "DBeaver": DBEAVER,
    "Tableau": TABLEAU,
    "Npgsql": NPGSQL,
    "pgAdmin": PGADMIN,
    "others": OTHERS,
}
