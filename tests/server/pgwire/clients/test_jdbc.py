"""pgjdbc: the catalog, portals, statements that the server keeps, arrays, timeouts, TLS."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from server_support.pg import ROWS, USER

DRIVER = Path("/usr/share/java/postgresql.jar")
PROGRAM = Path(__file__).with_name("Jdbc.java")
COLUMNS = ["id|12|text", "created|93|timestamptz", "tags|2003|_text", "input|1111|jsonb", "is_root|-7|bool"]

pytestmark = pytest.mark.skipif(
    shutil.which("javac") is None or not DRIVER.exists(),
    reason="needs a JDK and libpostgresql-jdbc-java; `make test` installs them",
)

FOUND = {
    "product": "PostgreSQL",
    "major version": "true",
    "catalogs": "[btql]",
    "table types": "true",
    "tables": "[project_logs|demo|TABLE]",
    "primary keys": ("[id]", "[]"),
    "indexes": "[demo_pkey]",
    "imported keys": "[]",
    "exported keys": "[]",
    "best row": ("[id]", "[]"),
    "types": "true",
    "functions": "true",
    "procedures": "true",
    "table privileges": "true",
    "column privileges": "true",
    "user types": "true",
    "client info": "true",
    "keywords": "true",
    "quote": '"',
    "longest name": "true",
    "values": "[text, jsonb, jsonb, jsonb, _text, timestamptz, bool, text, "
    'r000{"n":0,"text":""}0null[even, with "quotes", {braces}]2026-11-01T00:00Ztruenull, '
    'r001{"n":1,"text":"naïve ☂ 天気"}100.1null2026-11-01T00:01Ztruenull]',
    "portals": str(ROWS),
    "most rows": "[r000, r001, r002]",
    "btql": '[r000|c%d|{"n":0}, r001|a;b|{"n":1}]',
    "btql prepared": "[r000|b, r001|a]",
    "writes": '[[1, 1, 1], 1, j0|{"n":0}|{a,"b\\"c"}, j2|{"n":2}|{a,"b\\"c"}]',
    "copy": "2 r000,0|r001,1 2",
    "prepared": "[{}]".format(
        ", ".join(f"r{n:03}/{10 * n}/{n}/true/{0 if n % 2 else 2}/{27 if n % 2 else 17}" for n in range(8))
    ),
    "kept by the server": "[falsen0x, truen1x, truen2x]",
    "arrays": "[r001, r004]",
    "kinds": "[4, r000, r000]",
    "error": "42883 at 8",
    "timeout": "57014",
    "failed transaction": "[42883, 25P02, 1]",
    "valid": "true",
    "tls": "[1]",
    "wrong password": "28P01",
}
"""What each check of the program finds; of several, any is right."""


@pytest.fixture(scope="module")
def found(door, tmp_path_factory):
    """What the program prints, by the name of the check: it is compiled and run once."""
    folder = tmp_path_factory.mktemp("jdbc")
    classes = f"{folder}:{DRIVER}"
    subprocess.run(["javac", "-d", str(folder), "-cp", str(DRIVER), str(PROGRAM)], check=True, timeout=120)
    url = f"jdbc:postgresql://{door.host}:{door.port}/btql"
    # One thread compiles, little at that: the program is over before it would pay.
    command = ["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Duser.timezone=UTC", "-cp", classes, "Jdbc"]
    done = subprocess.run(
        [*command, url, USER, door.key, str(door.authority)], capture_output=True, text=True, timeout=180
    )
    assert done.returncode == 0, done.stderr
    return dict(line.split("\t", 1) for line in done.stdout.splitlines())


@pytest.mark.parametrize("name", FOUND)
def test_a_check(found, name):
    expected = FOUND[name]

    assert found[name] in expected if isinstance(expected, tuple) else found[name] == expected


def test_schemas_and_columns(found):
    assert all(name in found["schemas"] for name in ("project_logs", "dataset", "pg_catalog", "information_schema"))
    assert [column for column in COLUMNS if column not in found["columns"]] == []
    assert [name for name, value in found.items() if value.startswith("failed: ")] == []
