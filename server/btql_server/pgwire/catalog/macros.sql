-- The functions of the catalog. Relations of the catalog are pgc.… and infs.…, what they are made of begins with b_.
-- What is not known here, such as the size of a table, is null; what a client may do, it is told when it does it.

CREATE MACRO b_quote_ident(p_name) AS
    CASE WHEN regexp_matches(p_name, '^[a-z_][a-z0-9_$]*$') AND p_name NOT IN (SELECT word FROM b_reserved)
    THEN p_name ELSE '"' || replace(p_name, '"', '""') || '"' END;

CREATE MACRO b_quote_literal(p_text) AS '''' || replace(CAST(p_text AS VARCHAR), '''', '''''') || '''';
CREATE MACRO b_quote_nullable(p_text) AS coalesce('''' || replace(CAST(p_text AS VARCHAR), '''', '''''') || '''', 'NULL');

CREATE MACRO b_format
    (p_form) AS replace(p_form, '%%', '%'),
    (p_form, p_one) AS b_filled(p_form, p_one),
    (p_form, p_one, p_two) AS b_filled(b_filled(p_form, p_one), p_two),
    (p_form, p_one, p_two, p_three) AS b_filled(b_filled(b_filled(p_form, p_one), p_two), p_three);

CREATE MACRO b_filled(p_form, p_value) AS
    regexp_replace(p_form, '%[sIL]', CASE regexp_extract(p_form, '%[sIL]')
        WHEN '%I' THEN b_quote_ident(CAST(p_value AS VARCHAR)) WHEN '%L' THEN b_quote_literal(p_value)
        ELSE coalesce(CAST(p_value AS VARCHAR), '') END);

CREATE MACRO b_plain(p_name) AS
    CASE WHEN p_name LIKE '%"%' THEN replace(p_name, '"', '') ELSE lower(p_name) END;

-- Names of relations.

CREATE MACRO b_name_of_regclass(p_oid) AS
    CASE WHEN CAST(p_oid AS VARCHAR) = '0' THEN '-' ELSE coalesce(
        (SELECT spelled FROM b_classes WHERE oid = TRY_CAST(p_oid AS UINTEGER)),
        CAST(p_oid AS VARCHAR)) END;

CREATE MACRO b_to_regclass(p_name) AS coalesce(
    TRY_CAST(p_name AS UINTEGER),
    (SELECT min(oid) FROM b_class_names WHERE name = b_plain(CAST(p_name AS VARCHAR))),
    (SELECT min(oid) FROM b_class_names WHERE name = CAST(p_name AS VARCHAR)));

CREATE MACRO b_to_number_of_regclass(p_name) AS (SELECT
    CASE WHEN b_name IS NULL THEN NULL ELSE coalesce(
        b_to_regclass(b_name),
        CAST(error('relation "' || b_name || '" does not exist') AS UINTEGER)) END
    -- A name that is computed takes its time, and is asked for several times here.
    FROM (SELECT CAST(p_name AS VARCHAR) AS b_name) AS b_asked);

CREATE MACRO b_pg_table_is_visible(p_oid) AS (SELECT visible FROM b_classes WHERE oid = TRY_CAST(p_oid AS UINTEGER));

-- Names of types.

CREATE MACRO b_format_type(p_oid, p_modifier) AS
    CASE WHEN p_oid IS NULL THEN NULL
    ELSE coalesce((SELECT sqlname FROM b_types WHERE oid = TRY_CAST(p_oid AS UINTEGER)),
        CASE WHEN CAST(p_oid AS VARCHAR) = '0' THEN '-' ELSE '???' END) END;

CREATE MACRO b_name_of_regtype(p_oid) AS b_format_type(p_oid, NULL);

CREATE MACRO b_to_regtype(p_name) AS coalesce(
    TRY_CAST(p_name AS UINTEGER),
    (SELECT min(oid) FROM b_types
     WHERE replace(b_plain(CAST(p_name AS VARCHAR)), 'pg_catalog.', '') IN (typname, sqlname, alias)
        OR replace(b_plain(CAST(p_name AS VARCHAR)), 'pg_catalog.', '') = alias || '[]'));

CREATE MACRO b_to_number_of_regtype(p_name) AS
    CASE WHEN p_name IS NULL THEN NULL ELSE coalesce(
        b_to_regtype(p_name),
        CAST(error('type "' || CAST(p_name AS VARCHAR) || '" does not exist') AS UINTEGER)) END;

-- Names of functions, schemas, roles.

CREATE MACRO b_name_of_regproc(p_oid) AS
    CASE WHEN CAST(p_oid AS VARCHAR) = '0' THEN '-' ELSE coalesce(
        (SELECT min(proname) FROM b_procs WHERE oid = TRY_CAST(p_oid AS UINTEGER)), CAST(p_oid AS VARCHAR)) END;
CREATE MACRO b_to_regproc(p_name) AS coalesce(
    TRY_CAST(p_name AS UINTEGER),
    (SELECT min(oid) FROM b_procs
     WHERE proname = regexp_replace(b_plain(CAST(p_name AS VARCHAR)), '^pg_catalog\.|\(.*$', '', 'g')));
CREATE MACRO b_to_number_of_regproc(p_name) AS coalesce(b_to_regproc(p_name), CAST(0 AS UINTEGER));
CREATE MACRO b_name_of_regoper(p_oid) AS CAST(p_oid AS VARCHAR);
CREATE MACRO b_to_number_of_regoper(p_name) AS coalesce(TRY_CAST(p_name AS UINTEGER), CAST(0 AS UINTEGER));
CREATE MACRO b_name_of_regcollation(p_oid) AS CAST(p_oid AS VARCHAR);
CREATE MACRO b_to_number_of_regcollation(p_name) AS coalesce(TRY_CAST(p_name AS UINTEGER), CAST(100 AS UINTEGER));
CREATE MACRO b_name_of_regnamespace(p_oid) AS coalesce(
    (SELECT b_quote_ident(nspname) FROM b_schemas WHERE oid = TRY_CAST(p_oid AS UINTEGER)), CAST(p_oid AS VARCHAR));
CREATE MACRO b_to_regnamespace(p_name) AS coalesce(
    TRY_CAST(p_name AS UINTEGER), (SELECT oid FROM b_schemas WHERE nspname = b_plain(CAST(p_name AS VARCHAR))));
CREATE MACRO b_to_number_of_regnamespace(p_name) AS
    CASE WHEN p_name IS NULL THEN NULL ELSE coalesce(
        b_to_regnamespace(p_name),
        CAST(error('schema "' || CAST(p_name AS VARCHAR) || '" does not exist') AS UINTEGER)) END;
CREATE MACRO b_pg_get_userbyid(p_oid) AS
    CASE WHEN p_oid IS NULL THEN NULL WHEN TRY_CAST(p_oid AS UINTEGER) = 10 THEN getvariable('b_user')
    ELSE 'unknown (OID=' || CAST(p_oid AS VARCHAR) || ')' END;
CREATE MACRO b_name_of_regrole(p_oid) AS b_pg_get_userbyid(p_oid);
CREATE MACRO b_to_regrole(p_name) AS coalesce(
    TRY_CAST(p_name AS UINTEGER),
    CASE WHEN CAST(p_name AS VARCHAR) IN (getvariable('b_user'), b_quote_ident(getvariable('b_user')))
    THEN CAST(10 AS UINTEGER) END);
CREATE MACRO b_to_number_of_regrole(p_name) AS b_to_regrole(p_name);

-- Descriptions.

-- What is asked about is computed once, and not for each description.
CREATE MACRO b_obj_description
    (p_oid) AS (SELECT min(description) FROM (SELECT TRY_CAST(p_oid AS UINTEGER) AS b_oid) AS b_asked
        JOIN pgc.pg_description ON objoid = b_oid WHERE objsubid = 0),
    (p_oid, p_catalog) AS (SELECT min(description) FROM (SELECT TRY_CAST(p_oid AS UINTEGER) AS b_oid) AS b_asked
        JOIN pgc.pg_description ON objoid = b_oid WHERE objsubid = 0 AND classoid = CASE p_catalog
            WHEN 'pg_class' THEN 1259 WHEN 'pg_namespace' THEN 2615 WHEN 'pg_proc' THEN 1255 WHEN 'pg_type' THEN 1247
            WHEN 'pg_constraint' THEN 2606 ELSE 0 END);
CREATE MACRO b_col_description(p_oid, p_number) AS (SELECT min(description)
    FROM (SELECT TRY_CAST(p_oid AS UINTEGER) AS b_oid, p_number AS b_number) AS b_asked
    JOIN pgc.pg_description ON objoid = b_oid AND objsubid = b_number WHERE classoid = 1259 AND b_number <> 0);
CREATE MACRO b_shobj_description(p_oid, p_catalog) AS (SELECT min(description) FROM pgc.pg_shdescription
    WHERE objoid = TRY_CAST(p_oid AS UINTEGER) AND p_catalog = 'pg_database');

-- Definitions. A table has one index and one constraint: the key on `id`.

CREATE MACRO b_index_definition(p_oid) AS (SELECT 'CREATE UNIQUE INDEX ' || b_quote_ident(t.relname || '_pkey') || ' ON '
        || b_quote_ident(t.nspname) || '.' || b_quote_ident(t.relname) || ' USING btree (id)'
        FROM b_tables AS t WHERE t.oid + 1 = TRY_CAST(p_oid AS UINTEGER));
CREATE MACRO b_pg_get_indexdef
    (p_oid) AS b_index_definition(p_oid),
    (p_oid, p_column, p_pretty) AS CASE WHEN p_column = 0 THEN b_index_definition(p_oid)
        WHEN p_column = 1 THEN 'id' ELSE '' END;
CREATE MACRO b_constraint_definition(p_oid) AS
    (SELECT 'PRIMARY KEY (id)' FROM b_tables AS t WHERE t.oid + 2 = TRY_CAST(p_oid AS UINTEGER));
CREATE MACRO b_pg_get_constraintdef
    (p_oid) AS b_constraint_definition(p_oid), (p_oid, p_pretty) AS b_constraint_definition(p_oid);
CREATE MACRO b_oidvectortypes(p_list) AS array_to_string(p_list, ', ');
CREATE MACRO b_pg_get_expr
    (p_tree, p_oid) AS CAST(NULL AS VARCHAR), (p_tree, p_oid, p_pretty) AS CAST(NULL AS VARCHAR);
CREATE MACRO b_pg_get_viewdef(p_oid) AS CAST(NULL AS VARCHAR), (p_oid, p_pretty) AS CAST(NULL AS VARCHAR);
CREATE MACRO b_pg_get_ruledef(p_oid) AS CAST(NULL AS VARCHAR), (p_oid, p_pretty) AS CAST(NULL AS VARCHAR);
CREATE MACRO b_pg_get_triggerdef(p_oid) AS CAST(NULL AS VARCHAR), (p_oid, p_pretty) AS CAST(NULL AS VARCHAR);
CREATE MACRO b_pg_get_functiondef(p_oid) AS CAST(NULL AS VARCHAR);
CREATE MACRO b_pg_get_function_sqlbody(p_oid) AS CAST(NULL AS VARCHAR);
CREATE MACRO b_pg_get_function_arguments(p_oid) AS (SELECT arguments FROM b_procs WHERE oid = TRY_CAST(p_oid AS UINTEGER));
CREATE MACRO b_pg_get_function_identity_arguments(p_oid) AS b_pg_get_function_arguments(p_oid);
CREATE MACRO b_pg_get_function_result(p_oid) AS (SELECT result FROM b_procs WHERE oid = TRY_CAST(p_oid AS UINTEGER));
CREATE MACRO b_pg_get_function_arg_default(p_oid, p_number) AS CAST(NULL AS VARCHAR);
CREATE MACRO b_pg_get_statisticsobjdef(p_oid) AS CAST(NULL AS VARCHAR);
CREATE MACRO b_pg_get_statisticsobjdef_columns(p_oid) AS CAST(NULL AS VARCHAR);
CREATE MACRO b_pg_get_partkeydef(p_oid) AS CAST(NULL AS VARCHAR);
CREATE MACRO b_pg_get_partition_constraintdef(p_oid) AS CAST(NULL AS VARCHAR);
CREATE MACRO b_pg_get_serial_sequence(p_table, p_column) AS CAST(NULL AS VARCHAR);
CREATE MACRO b_pg_sequence_last_value(p_oid) AS CAST(NULL AS BIGINT);
CREATE MACRO b_pg_identify_object(p_class, p_oid, p_sub) AS CAST(NULL AS VARCHAR);
CREATE MACRO b_pg_describe_object(p_class, p_oid, p_sub) AS CAST(NULL AS VARCHAR);

-- Sizes and counts are not kept by table.

CREATE MACRO b_pg_relation_size(p_oid) AS CAST(NULL AS BIGINT), (p_oid, p_fork) AS CAST(NULL AS BIGINT);
CREATE MACRO b_pg_total_relation_size(p_oid) AS CAST(NULL AS BIGINT);
CREATE MACRO b_pg_table_size(p_oid) AS CAST(NULL AS BIGINT);
CREATE MACRO b_pg_indexes_size(p_oid) AS CAST(NULL AS BIGINT);
CREATE MACRO b_pg_database_size(p_oid) AS CAST(NULL AS BIGINT);
CREATE MACRO b_pg_tablespace_size(p_oid) AS CAST(NULL AS BIGINT);
CREATE MACRO b_pg_stat_get_numscans(p_oid) AS CAST(0 AS BIGINT);
CREATE MACRO b_pg_stat_get_live_tuples(p_oid) AS CAST(NULL AS BIGINT);
CREATE MACRO b_pg_relation_filenode(p_oid) AS CAST(p_oid AS UINTEGER);
CREATE MACRO b_pg_relation_filepath(p_oid) AS CAST(NULL AS VARCHAR);
CREATE MACRO b_pg_tablespace_location(p_oid) AS '';
CREATE MACRO b_pg_size_pretty(p_bytes) AS CASE
    WHEN abs(p_bytes) < 10240 THEN CAST(p_bytes AS BIGINT) || ' bytes'
    WHEN abs(p_bytes) < 10485760 THEN CAST(round(p_bytes / 1024.0) AS BIGINT) || ' kB'
    WHEN abs(p_bytes) < 10737418240 THEN CAST(round(p_bytes / 1048576.0) AS BIGINT) || ' MB'
    ELSE CAST(round(p_bytes / 1073741824.0) AS BIGINT) || ' GB' END;

-- Privileges: tables that may not be read are not in the catalog at all.

CREATE MACRO b_may(p_right) AS lower(CAST(p_right AS VARCHAR)) SIMILAR TO '.*(select|usage|connect|execute|member).*';
CREATE MACRO b_has_table_privilege(p_what, p_right) AS b_may(p_right), (p_who, p_what, p_right) AS b_may(p_right);
CREATE MACRO b_has_schema_privilege(p_what, p_right) AS b_may(p_right), (p_who, p_what, p_right) AS b_may(p_right);
CREATE MACRO b_has_database_privilege(p_what, p_right) AS b_may(p_right), (p_who, p_what, p_right) AS b_may(p_right);
CREATE MACRO b_has_function_privilege(p_what, p_right) AS b_may(p_right), (p_who, p_what, p_right) AS b_may(p_right);
CREATE MACRO b_has_sequence_privilege(p_what, p_right) AS b_may(p_right), (p_who, p_what, p_right) AS b_may(p_right);
CREATE MACRO b_has_type_privilege(p_what, p_right) AS b_may(p_right), (p_who, p_what, p_right) AS b_may(p_right);
CREATE MACRO b_has_language_privilege(p_what, p_right) AS b_may(p_right), (p_who, p_what, p_right) AS b_may(p_right);
CREATE MACRO b_has_server_privilege(p_what, p_right) AS b_may(p_right), (p_who, p_what, p_right) AS b_may(p_right);
CREATE MACRO b_has_tablespace_privilege(p_what, p_right) AS b_may(p_right), (p_who, p_what, p_right) AS b_may(p_right);
CREATE MACRO b_has_foreign_data_wrapper_privilege
    (p_what, p_right) AS b_may(p_right), (p_who, p_what, p_right) AS b_may(p_right);
CREATE MACRO b_has_any_column_privilege(p_what, p_right) AS b_may(p_right), (p_who, p_what, p_right) AS b_may(p_right);
CREATE MACRO b_has_column_privilege
    (p_what, p_column, p_right) AS b_may(p_right), (p_who, p_what, p_column, p_right) AS b_may(p_right);
CREATE MACRO b_pg_has_role(p_role, p_right) AS true, (p_who, p_role, p_right) AS true;

-- Visibility of what is not a table.

CREATE MACRO b_pg_type_is_visible(p_oid) AS true;
CREATE MACRO b_pg_function_is_visible(p_oid) AS true;
CREATE MACRO b_pg_operator_is_visible(p_oid) AS true;
CREATE MACRO b_pg_opclass_is_visible(p_oid) AS true;
CREATE MACRO b_pg_opfamily_is_visible(p_oid) AS true;
CREATE MACRO b_pg_collation_is_visible(p_oid) AS true;
CREATE MACRO b_pg_conversion_is_visible(p_oid) AS true;
CREATE MACRO b_pg_statistics_obj_is_visible(p_oid) AS true;
CREATE MACRO b_pg_ts_config_is_visible(p_oid) AS true;
CREATE MACRO b_pg_ts_dict_is_visible(p_oid) AS true;
CREATE MACRO b_pg_ts_parser_is_visible(p_oid) AS true;
CREATE MACRO b_pg_ts_template_is_visible(p_oid) AS true;

-- Odds and ends.

CREATE MACRO b_current_setting
    (p_name) AS (SELECT min(setting) FROM pgc.pg_settings WHERE lower(name) = lower(p_name)),
    (p_name, p_missing) AS (SELECT min(setting) FROM pgc.pg_settings WHERE lower(name) = lower(p_name));

CREATE MACRO b_pg_encoding_to_char(p_number) AS CASE WHEN p_number = 6 THEN 'UTF8' ELSE '' END;
CREATE MACRO b_pg_char_to_encoding(p_name) AS CASE WHEN upper(p_name) IN ('UTF8', 'UTF-8') THEN 6 ELSE -1 END;
CREATE MACRO b_pg_encoding_max_length(p_number) AS CASE WHEN p_number = 6 THEN 4 END;
CREATE MACRO b_pg_relation_is_updatable(p_oid, p_triggers) AS 28;
CREATE MACRO b_pg_column_is_updatable(p_oid, p_number, p_triggers) AS true;
CREATE MACRO b_pg_relation_is_publishable(p_oid) AS false;
CREATE MACRO b_pg_index_column_has_property(p_oid, p_number, p_property) AS p_property IN ('orderable', 'asc', 'nulls_last');
CREATE MACRO b_pg_indexam_has_property(p_oid, p_property) AS p_property IN ('can_order', 'can_unique', 'can_multi_col');
CREATE MACRO b_pg_index_has_property(p_oid, p_property) AS p_property IN ('index_scan', 'backward_scan');
CREATE MACRO b_series(p_first, p_last, p_step) AS
    CASE WHEN abs(CAST(p_last AS BIGINT) - CAST(p_first AS BIGINT)) <= 2000
    -- Both bounds stand here, too, as the engine may compute this before it looks at the condition.
    THEN generate_series(CAST(p_first AS BIGINT), greatest(least(CAST(p_last AS BIGINT), CAST(p_first AS BIGINT) + 2000),
        CAST(p_first AS BIGINT) - 2000), CAST(p_step AS BIGINT))
    ELSE error('generate_series gives at most 2,000 numbers in a query of the catalog') END;
CREATE MACRO b_array_upper(p_list, p_dimension) AS nullif(len(p_list), 0);
CREATE MACRO b_array_lower(p_list, p_dimension) AS CASE WHEN len(p_list) > 0 THEN 1 END;
CREATE MACRO b_array_ndims(p_list) AS CASE WHEN len(p_list) > 0 THEN 1 END;
CREATE MACRO b_age(p_transaction) AS 0;
CREATE MACRO b_pg_blocking_pids(p_pid) AS CAST([] AS INTEGER[]);
CREATE MACRO b_bpchar(p_value) AS CAST(p_value AS VARCHAR);
CREATE MACRO b_host(p_address) AS CAST(p_address AS VARCHAR);
CREATE MACRO b_encode(p_bytes, p_form) AS CAST(p_bytes AS VARCHAR);
-- The part of a text that fits a pattern, or the group of it that is asked for.
CREATE MACRO b_matched(p_text, p_pattern, p_group) AS
    CASE WHEN regexp_matches(p_text, p_pattern) THEN regexp_extract(p_text, p_pattern, p_group) END;
CREATE MACRO b_mxid_age(p_transaction) AS 0;
CREATE MACRO b_parse_ident(p_name) AS string_split(replace(p_name, '"', ''), '.');
CREATE MACRO b__pg_expandarray(p_list) AS
    unnest(list_transform(generate_series(1, len(p_list)), lambda i : {'x': p_list[i], 'n': CAST(i AS INTEGER)}));
CREATE MACRO b__pg_truetypid(p_attribute, p_type) AS 0;
CREATE MACRO b__pg_char_max_length(p_type, p_modifier) AS CAST(NULL AS INTEGER);
CREATE MACRO b__pg_numeric_precision(p_type, p_modifier) AS CASE CAST(p_type AS INTEGER)
    WHEN 21 THEN 16 WHEN 23 THEN 32 WHEN 20 THEN 64 WHEN 700 THEN 24 WHEN 701 THEN 53 END;
CREATE MACRO b__pg_numeric_scale(p_type, p_modifier) AS CASE WHEN p_type IN (20, 21, 23) THEN 0 END;
CREATE MACRO b__pg_datetime_precision(p_type, p_modifier) AS
    CASE WHEN p_type IN (1083, 1114, 1184, 1186, 1266) THEN 6 WHEN p_type = 1082 THEN 0 END;
CREATE MACRO b_acldefault(p_kind, p_owner) AS CAST(NULL AS VARCHAR[]);
CREATE MACRO b_pg_get_keywords() AS TABLE
    SELECT keyword_name AS word, CASE keyword_category WHEN 'reserved' THEN 'R' WHEN 'unreserved' THEN 'U'
        WHEN 'column_name' THEN 'C' ELSE 'T' END AS catcode, true AS barelabel, keyword_category AS catdesc,
        'can be bare label' AS baredesc FROM duckdb_keywords();
CREATE MACRO b_pg_show_all_settings() AS TABLE SELECT * FROM pgc.pg_settings;
CREATE MACRO b_aclexplode_rows(p_list) AS unnest(CAST([] AS STRUCT(
    grantor UINTEGER, grantee UINTEGER, privilege_type VARCHAR, is_grantable BOOLEAN)[]));
CREATE MACRO b_aclexplode(p_list) AS TABLE
    SELECT CAST(0 AS UINTEGER) AS grantor, CAST(0 AS UINTEGER) AS grantee, '' AS privilege_type, false AS is_grantable
    WHERE false;
CREATE MACRO b_pg_get_publication_tables(p_name) AS TABLE
    SELECT CAST(0 AS UINTEGER) AS relid, CAST(NULL AS SMALLINT[]) AS attrs, '' AS qual WHERE false;
CREATE MACRO b_pg_partition_ancestors(p_oid) AS TABLE SELECT CAST(0 AS UINTEGER) AS relid WHERE false;
CREATE MACRO b_pg_partition_tree(p_oid) AS TABLE
    SELECT CAST(0 AS UINTEGER) AS relid, CAST(0 AS UINTEGER) AS parentrelid, true AS isleaf, 0 AS level WHERE false;
CREATE MACRO b_pg_options_to_table(p_list) AS TABLE SELECT '' AS option_name, '' AS option_value WHERE false;
CREATE MACRO b_pg_available_extensions() AS TABLE SELECT * FROM pgc.pg_available_extensions;
CREATE MACRO b_pg_timezone_names() AS TABLE SELECT * FROM pgc.pg_timezone_names;
