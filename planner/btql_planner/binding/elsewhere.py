"""What functions of other databases are called here: the way out where someone writes what another one taught.

The names that are closest in spelling mean something else (`strftime` is no slip of `trim`).
"""

from __future__ import annotations

_WRITTEN = {
    "CASE WHEN a THEN b ELSE c END": "if iif iff multiif nvl2",
    "coalesce(a, b)": "ifnull nvl isnull",
    "percentile(x, 0.95)": "p75 p90 p95 p99 p999",
    "percentile(x, 0.5)": "p50 quantile quantile_cont approx_quantile approx_quantiles percentile_approx",
    "string_agg(a, ', ')": "group_concat groupconcat",
    "sum(CASE WHEN a THEN x END)": "sumif avgif minif maxif",
    "array_agg(a)": "collect_list collect_set group_array grouparray list",
    "count_distinct(a)": "uniq uniqexact countdistinct",
    "approx_distinct(a)": "approx_count_distinct ndv hll_count",
    "first(a ORDER BY x DESC)": "max_by arg_max argmax",
    "first(a ORDER BY x)": "min_by arg_min argmin",
    "to_char(created, 'YYYY-MM-DD')": "strftime date_format format_date format_datetime format_timestamp "
    "formatdatetime",
    "to_timestamp(a, 'YYYY-MM-DD')": "strptime parse_date parse_datetime parse_timestamp str_to_date",
    "to_timestamp(x)": "from_unixtime fromunixtime timestamp_seconds",
    "date_part('epoch', a)": "to_unixtime unix_timestamp unix_seconds tounixtimestamp",
    "date_part('epoch', b - a)": "datediff date_diff timestampdiff timestamp_diff",
    "created + interval 1 day": "dateadd date_add timestampadd timestamp_add adddate",
    "created - interval 1 day": "datesub date_sub timestamp_sub subdate",
    "date_trunc('hour', created)": "timestamp_trunc datetime_trunc tostartofhour tostartofday tostartofminute "
    "tostartofsecond tostartofweek tostartofmonth tostartofquarter tostartofyear tomonday",
    "date_bin('15 minutes', created)": "time_bucket tostartofinterval tostartoffifteenminutes tostartoffiveminutes",
    "date_trunc('quarter', created)": "quarter startofquarter",
    "date_part('day', created)": "dayofmonth day_of_month todayofmonth",
    "lower(a)": "lcase lowerutf8",
    "upper(a)": "ucase upperutf8",
    "substring(a, 1, 2)": "mid substringutf8",
    "date_part('dow', created)": "dayofweek day_of_week weekday dow todayofweek",
    "date_part('doy', created)": "dayofyear day_of_year doy",
    "to_char(created, 'Day')": "dayname monthname",
    "current_date": "curdate today",
    "now()": "getdate sysdate localtimestamp current_datetime",
    "metadata.a.b": "jsonb_path_query jsonb_path_query_first jsonb_path_query_array json_path_query",
    "metadata.a IS NOT NULL": "jsonb_path_exists jsonb_exists",
    "metadata.a": "json_value json_query json_extract_scalar json_extract_string get_json_object jsonextract "
    "jsonextractstring get_path",
    "jsonb_array_length(a)": "json_length array_size list_length size",
    "string_to_array(a, ' ')": "split string_split str_split splitbychar regexp_split_to_array",
    "regexp_like(a, 'x')": "rlike regexp_contains regexp_matches match_regex",
    "regexp_substr(a, 'x')": "regexp_extract extract_regex",
    "strpos(a, 'x')": "instr charindex locate",
    "width_bucket(x, 0, 1, 10)": "histogram approx_histogram numeric_histogram",
    "bool_or(a)": "logical_or boolor_agg some",
    "bool_and(a)": "logical_and booland_agg",
    "a::integer": "toint toint8 toint16 toint32 toint64 touint8 touint16 touint32 touint64",
    "a::number": "try_cast safe_cast tofloat64 tonumber",
    "a <=> b": "equal_null",
    "left(a, 2) || 'x' || substring(a, 4)": "overlay",
    "jsonb_build_object('id', id)": "row_to_json",
    "json_typeof(a)": "pg_typeof",
}
"""What is written here, for the functions of others; ``a`` and ``x`` stand for what they are given."""
WAYS_OUT = {name: written for written, names in _WRITTEN.items() for name in names.split()}
"""What to write in place of a function of another database."""
COMPUTED = {
    **dict.fromkeys(("duration", "latency", "elapsed"), "metrics.end - metrics.start"),
    **dict.fromkeys(("current_time", "localtime", "localtimestamp"), "now()"),
    **dict.fromkeys(("cost", "total_cost"), "estimated_cost()"),
}
"""What to write in place of a name that no row has and many expect."""
ROW_FUNCTIONS = (
    "unnest",
    "jsonb_array_elements",
    "jsonb_array_elements_text",
    "json_array_elements",
    "json_array_elements_text",
    "generate_series",
)
"""Functions that make rows: a column of SELECT by themselves, or what stands behind FROM."""
SPECIAL = {
    **dict.fromkeys(
        ("lastval", "currval", "nextval", "setval"),
        "there are no sequences: give each row its `id` where it is written, such as `gen_random_uuid()`",
    ),
    "array": "an array of what a query finds is written `(SELECT array_agg(id ORDER BY id) FROM ...)`",
    "any": "`ANY` stands behind a comparison, `'x' = ANY(tags)`; one value of a group is `any_value(a)`",
}
"""What to say of words that are no functions anywhere, or not only."""
UNNEST = (
    "explode",
    "explode_outer",
    "flatten",
    "posexplode",
    "arrayjoin",
    "json_each",
    "jsonb_each",
)
"""Functions that make rows elsewhere, or only behind FROM here."""


def way_out(name: str) -> str | None:
    """Return what to write for a function that only other databases have."""
    if name in UNNEST:
        return "what makes rows stands behind FROM: `FROM project_logs('name') AS p, unnest(p.tags) AS element`"
    return f"write `{WAYS_OUT[name]}`" if name in WAYS_OUT else SPECIAL.get(name)
