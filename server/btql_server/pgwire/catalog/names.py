"""Functions of the catalog by name: which are called, and which of them depend on the session alone."""

from __future__ import annotations

KEYWORDS = frozenset({"current_user", "session_user", "user", "current_role", "current_catalog", "current_schema"})
"""Functions that are called without parentheses."""
OF_SESSION = frozenset(
    {
        *KEYWORDS,
        *("version", "current_database", "current_schemas", "current_setting", "set_config", "current_query"),
        *(
            "pg_backend_pid",
            "pg_is_in_recovery",
            "pg_postmaster_start_time",
            "pg_conf_load_time",
            "getdatabaseencoding",
        ),
        *("inet_client_addr", "inet_client_port", "inet_server_addr", "inet_server_port", "pg_client_encoding"),
        *("txid_current", "pg_current_xact_id", "txid_current_if_assigned", "pg_my_temp_schema"),
        *("pg_is_other_temp_schema", "row_security_active", "pg_advisory_unlock_all", "pg_is_wal_replay_paused"),
        *("pg_last_wal_receive_lsn", "pg_last_wal_replay_lsn", "pg_current_wal_lsn"),
        *("pg_jit_available", "pg_trigger_depth", "pg_notification_queue_usage", "pg_export_snapshot"),
    }
)
"""Functions whose values :mod:`.session_values` knows."""
CALLED = OF_SESSION | {
    *("format_type", "pg_get_expr", "pg_get_indexdef", "pg_get_constraintdef", "pg_get_viewdef", "pg_get_userbyid"),
    *("pg_get_functiondef", "pg_get_function_arguments", "pg_get_function_identity_arguments"),
    *("pg_get_function_result", "pg_get_triggerdef", "pg_get_ruledef", "pg_get_statisticsobjdef", "pg_get_keywords"),
    *("pg_get_serial_sequence", "pg_get_partkeydef", "pg_get_partition_constraintdef", "pg_show_all_settings"),
    *("obj_description", "col_description", "shobj_description", "pg_relation_size", "pg_total_relation_size"),
    *("pg_table_size", "pg_indexes_size", "pg_database_size", "pg_tablespace_size", "pg_size_pretty"),
    *("pg_table_is_visible", "pg_type_is_visible", "pg_function_is_visible", "pg_encoding_to_char"),
    *("has_table_privilege", "has_schema_privilege", "has_database_privilege", "has_column_privilege"),
    *("has_any_column_privilege", "has_function_privilege", "has_sequence_privilege", "has_type_privilege"),
    *("has_tablespace_privilege", "has_language_privilege", "has_server_privilege", "pg_has_role"),
    *("has_foreign_data_wrapper_privilege", "to_regclass", "to_regtype", "to_regproc", "to_regnamespace"),
    *("to_regrole", "pg_char_to_encoding", "pg_relation_filenode", "pg_tablespace_location"),
    *("pg_stat_get_numscans", "pg_identify_object", "pg_describe_object", "pg_column_is_updatable"),
    *("pg_relation_is_updatable", "pg_stat_file", "pg_read_file", "pg_ls_dir", "pg_terminate_backend"),
    *("pg_blocking_pids", "pg_cancel_backend", "pg_reload_conf", "pg_read_binary_file", "pg_sleep"),
}
"""Functions that only the catalog has; some of them only to be refused by name."""
