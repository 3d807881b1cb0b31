"""Queries made to take everything: what each would hold, and what it ends with.

Run as a program, it asks them of a database under an address space that is bounded, and prints for each how it ended
and, at last, how much memory the process had::

    python -m server_support.exploding FOLDER BYTES SECONDS
"""

from __future__ import annotations

import json
import resource
import sys
import time
from dataclasses import dataclass

from memory_peak import peak_bytes

import btql

MEMORY, DISK, TIME = "B0504", "B0505", "B0501"
_DOUBLED = ", ".join(f"t{n} AS (SELECT t || t AS t FROM t{n - 1})" for n in range(1, 24))


@dataclass(frozen=True, slots=True)
class Exploding:
    """One query."""

    text: str
    codes: tuple[str, ...]
    """What it may end with, while there is time."""
    step: str = ""
    """How the costliest step is called."""
    endless: bool = False
    """Whether it holds little and has no end."""
    long: bool = False
    """Whether it takes a while even with little memory."""


QUERIES = {
    "cross join": Exploding(
        "SELECT count(*) AS n FROM generate_series(1, 100000) a (x), generate_series(1, 100000) b (y) "
        "WHERE a.x * b.y % 7 = 8",
        (TIME,),
        endless=True,
    ),
    "cross join of documents": Exploding(
        "SELECT count(*) AS n FROM p a, p b, p c, p d WHERE a.id || b.id || c.id || d.id = 'x'", (TIME,), endless=True
    ),
    "sort of all pairs": Exploding(
        "SELECT a.x, b.y FROM generate_series(1, 100000) a (x), generate_series(1, 100000) b (y) ORDER BY a.x + b.y",
        (DISK, MEMORY),
        "sorting",
        long=True,
    ),
    "sort of 1e9 rows": Exploding(
        "SELECT n, 'some text ' || n AS t FROM generate_series(1, 1000000000) s (n) ORDER BY t DESC",
        (DISK, MEMORY),
        "sorting",
    ),
    "1e9 groups": Exploding(
        "SELECT n % 999999937 AS g, count(*) AS n FROM generate_series(1, 1000000000) s (n) GROUP BY g ORDER BY n",
        (DISK, MEMORY),
        long=True,
    ),
    "1e9 distinct values": Exploding(
        "SELECT count(DISTINCT 'a text ' || n) AS n FROM generate_series(1, 1000000000) s (n)",
        (DISK, MEMORY),
        long=True,
    ),
    "array_agg of everything": Exploding(
        "SELECT array_agg('a text ' || n) AS a FROM generate_series(1, 1000000000) s (n)", (MEMORY,), "grouping"
    ),
    "string_agg of everything": Exploding(
        "SELECT length(string_agg('a text ' || n, ',')) AS n FROM generate_series(1, 1000000000) s (n)",
        (MEMORY,),
        "grouping",
    ),
    "join of 1e9 rows": Exploding(
        "SELECT count(*) AS n FROM generate_series(1, 1000000000) a (x) "
        "JOIN generate_series(1, 1000000000) b (y) ON a.x = b.y",
        (MEMORY,),
        "joining",
    ),
    "join of few keys": Exploding(
        "SELECT count(*) AS n FROM generate_series(1, 1000000) a (x) "
        "JOIN generate_series(1, 1000000) b (y) ON a.x % 3 = b.y % 3",
        (TIME,),
        endless=True,
    ),
    "window over everything": Exploding(
        "SELECT sum(n) OVER (ORDER BY n % 1000, n DESC) AS s FROM generate_series(1, 1000000000) s (n)",
        (DISK, MEMORY),
        long=True,
    ),
    "recursion without an end": Exploding(
        "WITH RECURSIVE t (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT count(*) AS n FROM t",
        (TIME,),
        endless=True,
    ),
    "recursion that doubles": Exploding(
        "WITH RECURSIVE t (n) AS (SELECT 1 UNION ALL SELECT n + m FROM t, (SELECT 1 AS m UNION ALL SELECT 2) x) "
        "SELECT count(*) AS n FROM t",
        (TIME, MEMORY),
        endless=True,
    ),
    "series whose ends the data say": Exploding(
        "SELECT sum(x) AS n FROM (SELECT n * 1000000000 AS m FROM generate_series(1, 10) s (n)) a, "
        "LATERAL generate_series(1, a.m) b (x)",
        (MEMORY,),
    ),
    "series of microseconds": Exploding(
        "SELECT count(t) AS n FROM generate_series('2026-01-01', now(), '1 microsecond') AS t",
        (MEMORY,),
        "computing columns",
    ),
    "series of seconds": Exploding(
        "SELECT count(t) AS n FROM generate_series('1970-01-01'::timestamp, '2170-01-01'::timestamp, "
        "interval 1 second) s (t)",
        (MEMORY,),
    ),
    "texts that are replaced by long ones": Exploding(
        "SELECT length(replace(repeat('x', 60000) || n, 'x', repeat('y', 60000))) AS n "
        "FROM generate_series(1, 9) s (n)",
        (MEMORY,),
        "computing columns",
    ),
    "matches that are replaced by long texts": Exploding(
        "SELECT length(regexp_replace(repeat('x', 60000) || n, 'x', repeat('y', 60000), 'g')) AS n "
        "FROM generate_series(1, 9) s (n)",
        (MEMORY,),
        "computing columns",
    ),
    "texts that double": Exploding(
        f"WITH t0 AS (SELECT repeat('x', 60000) || n AS t FROM generate_series(1, 2) s (n)), {_DOUBLED} "
        "SELECT max(length(t)) AS n FROM t23",
        (MEMORY,),
        "computing columns",
    ),
    "expressions that go back": Exploding(
        "SELECT count(*) AS n FROM generate_series(1, 100000000) s (n) "
        "WHERE repeat('a', 30000) || n ~ '(a*)*b|(a|aa)+$|(.*a){12}'",
        (TIME,),
        endless=True,
    ),
    "expressions that are large": Exploding(
        "SELECT count(*) AS n FROM p WHERE id ~ '((a{1,1000}){1,1000}){1,1000}'", ("B0302",)
    ),
    "brackets": Exploding(f"SELECT {'(' * 3_000}1{')' * 3_000} AS n", ("B0107",)),
    "queries in queries": Exploding(f"SELECT * FROM {'(SELECT * FROM ' * 300}p{') a' * 300}", ("B0107",)),
    "documents that are sorted": Exploding("SELECT a.input FROM p a, p b ORDER BY a.input.text, b.id", (MEMORY, DISK)),
}


QUICK_S = 10.0
"""With no more time than this, what takes a while is left out."""


def names(*, with_long: bool) -> list[str]:
    """Return the queries to ask."""
    return [name for name, query in QUERIES.items() if with_long or not query.long]


def documents() -> list[dict[str, object]]:
    """Return the rows of `p`."""
    return [{"id": f"{n}", "input": {"k": n % 3, "text": f"{n} long text " * 150}} for n in range(2_000)]


def main() -> None:
    """Ask them all."""
    folder, address_bytes, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    resource.setrlimit(resource.RLIMIT_AS, (address_bytes, address_bytes))
    with btql.connect(folder, read_only=True) as conn:
        for name in names(with_long=seconds > QUICK_S):
            query = QUERIES[name]
            began = time.monotonic()
            told: dict[str, object] = {"name": name, "code": None}
            try:
                for _ in conn.query(query.text, timeout=min(seconds, 0.2) if query.endless else seconds).batches():
                    pass
            except btql.Error as error:
                told |= {"code": getattr(error, "code", ""), "text": str(error)}
            told["seconds"] = time.monotonic() - began
            print(json.dumps(told), flush=True)
        assert conn.query("SELECT count(*) AS n FROM p").rows() == [{"n": 2_000}]
        print(json.dumps({"peak": peak_bytes()}), flush=True)


if __name__ == "__main__":
    main()
