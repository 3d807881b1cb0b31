"""How each system keeps the records, and the five questions in its words.

Rivals are told what the authors of JSONBench tell them: one column with the whole record, the five paths that matter in
its sort key or in an index, nothing flattened. btql is told nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.beside.recipe import Recipe


@dataclass(frozen=True, slots=True)
class _Words:
    """What a system calls the paths, and what it makes of them."""

    source: str
    collection: str
    did: str
    kind: str
    operation: str
    hour: str
    first: str
    """The earliest time of the rows of a group."""
    span: str
    """The milliseconds between the earliest and the latest one."""
    users: str = ""
    """How different users are counted, where that is not the usual way."""

    def questions(self) -> dict[str, str]:
        """Return the five statements."""
        source, collection = self.source, self.collection
        created = f"WHERE {self.kind} = 'commit' AND {self.operation} = 'create'"
        posts = f"FROM {source} {created} AND {collection} = 'app.bsky.feed.post' GROUP BY user_id"
        events = "'app.bsky.feed.post', 'app.bsky.feed.repost', 'app.bsky.feed.like'"
        users = self.users or f"count(DISTINCT {self.did})"
        return {
            "events": f"SELECT {collection} AS event, count(*) AS count FROM {source} GROUP BY event "
            "ORDER BY count DESC",
            "events with users": f"SELECT {collection} AS event, count(*) AS count, {users} AS users FROM {source} "
            f"{created} GROUP BY event ORDER BY count DESC",
            "hours": f"SELECT {collection} AS event, {self.hour} AS hour_of_day, count(*) AS count FROM {source} "
            f"{created} AND {collection} IN ({events}) GROUP BY event, hour_of_day ORDER BY hour_of_day, event",
            "veterans": f"SELECT {self.did} AS user_id, {self.first} AS first_post_ts {posts} "
            "ORDER BY first_post_ts LIMIT 3",
            "longest activity": f"SELECT {self.did} AS user_id, {self.span} AS activity_span {posts} "
            "ORDER BY activity_span DESC LIMIT 3",
        }


_BTQL_TIME = "to_timestamp(time_us / 1000000)"
BTQL = Recipe(
    load=(),
    texts=_Words(
        source="project_logs('demo')",
        collection="commit.collection",
        did="did",
        kind="kind",
        operation="commit.operation",
        hour=f"date_part('hour', {_BTQL_TIME})",
        first=f"min({_BTQL_TIME})",
        span="floor(max(time_us) / 1000) - floor(min(time_us) / 1000)",
    ).questions(),
)

_CHDB_TYPE = (
    "JSON(max_dynamic_paths=0, kind LowCardinality(String), commit.operation LowCardinality(String), "
    "commit.collection LowCardinality(String), did String, time_us UInt64)"
)
_CHDB_TIME = "fromUnixTimestamp64Micro(data.time_us)"
_CHDB = _Words(
    source="bluesky",
    collection="data.commit.collection",
    did="data.did",
    kind="data.kind",
    operation="data.commit.operation",
    hour=f"toHour({_CHDB_TIME})",
    first=f"min({_CHDB_TIME})",
    span=f"date_diff('milliseconds', min({_CHDB_TIME}), max({_CHDB_TIME}))",
    users="uniqExact(data.did)",
).questions()
CHDB = Recipe(
    load=(
        (
            f"CREATE TABLE bluesky (data {_CHDB_TYPE} CODEC(ZSTD(1))) ENGINE = MergeTree "
            f"ORDER BY (data.kind, data.commit.operation, data.commit.collection, data.did, {_CHDB_TIME}) "
            "SETTINGS object_serialization_version = 'v3', object_shared_data_serialization_version = 'advanced'"
        ),
        "INSERT INTO bluesky SELECT * FROM file('{file}', 'JSONAsObject')",
        "OPTIMIZE TABLE bluesky FINAL",
    ),
    # A typed path is never null: records without a collection have an empty one.
    texts=_CHDB | {"events": f"SELECT nullIf(event, '') AS event, count FROM ({_CHDB['events']}) ORDER BY count DESC"},
)

# JSONBench divides by a million first, which loses a microsecond here and there, and so a millisecond of an answer.
_DUCKDB_TIME = "make_timestamp(CAST(j ->> '$.time_us' AS BIGINT))"
_DUCKDB = _Words(
    source="bluesky",
    collection="j ->> '$.commit.collection'",
    did="j ->> '$.did'",
    kind="(j ->> '$.kind')",
    operation="(j ->> '$.commit.operation')",
    hour=f"hour({_DUCKDB_TIME})",
    first=f"min({_DUCKDB_TIME})",
    span=f"date_diff('milliseconds', min({_DUCKDB_TIME}), max({_DUCKDB_TIME}))",
)
DUCKDB = Recipe(
    load=("CREATE TABLE bluesky AS SELECT json AS j FROM read_ndjson_objects('{file}')",),
    texts=_DUCKDB.questions(),
)

_VARIANT_TIME = "make_timestamp(j.time_us::BIGINT)"
DUCKDB_VARIANT = Recipe(
    load=("CREATE TABLE bluesky AS SELECT json::VARIANT AS j FROM read_ndjson_objects('{file}')",),
    texts=_Words(
        source="bluesky",
        collection="j.commit.collection::VARCHAR",
        did="j.did::VARCHAR",
        kind="j.kind::VARCHAR",
        operation="j.commit.operation::VARCHAR",
        hour=f"hour({_VARIANT_TIME})",
        first=f"min({_VARIANT_TIME})",
        span=f"date_diff('milliseconds', min({_VARIANT_TIME}), max({_VARIANT_TIME}))",
    ).questions(),
)

_POSTGRES_TIME = "to_timestamp((data ->> 'time_us')::bigint / 1000000.0)"
_POSTGRES = _Words(
    source="bluesky",
    collection="data -> 'commit' ->> 'collection'",
    did="data ->> 'did'",
    kind="data ->> 'kind'",
    operation="data -> 'commit' ->> 'operation'",
    hour=f"extract(hour FROM {_POSTGRES_TIME})::int",
    first=f"min({_POSTGRES_TIME})",
    span=f"floor(extract(epoch FROM max({_POSTGRES_TIME})) * 1000) "
    f"- floor(extract(epoch FROM min({_POSTGRES_TIME})) * 1000)",
)
POSTGRES = Recipe(
    load=(
        "CREATE TABLE bluesky AS SELECT doc::jsonb AS data FROM raw",
        (
            "CREATE INDEX ON bluesky ((data ->> 'kind'), (data -> 'commit' ->> 'operation'), "
            f"(data -> 'commit' ->> 'collection'), (data ->> 'did'), ({_POSTGRES_TIME}))"
        ),
    ),
    texts=_POSTGRES.questions(),
)

_SQLITE_TIME = "data ->> '$.time_us'"
_SQLITE = _Words(
    source="bluesky",
    collection="data ->> '$.commit.collection'",
    did="data ->> '$.did'",
    kind="data ->> '$.kind'",
    operation="data ->> '$.commit.operation'",
    hour=f"CAST(strftime('%H', ({_SQLITE_TIME}) / 1000000, 'unixepoch') AS INTEGER)",
    first=f"strftime('%Y-%m-%dT%H:%M:%fZ', min({_SQLITE_TIME}) / 1e6, 'unixepoch')",
    span=f"max({_SQLITE_TIME}) / 1000 - min({_SQLITE_TIME}) / 1000",
)
SQLITE = Recipe(
    load=(
        "CREATE TABLE bluesky (data TEXT)",
        "INSERT INTO bluesky SELECT doc FROM raw",
        (
            "CREATE INDEX paths ON bluesky (data ->> '$.kind', data ->> '$.commit.operation', "
            f"data ->> '$.commit.collection', data ->> '$.did', {_SQLITE_TIME})"
        ),
    ),
    texts=_SQLITE.questions(),
)
