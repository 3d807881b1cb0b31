"""Start-up: what must not be imported before it is needed, and what the process is set up for."""

import subprocess
import sys

HEAVY = (
    "datafusion",
    "lark",
    "numpy",
    "pandas",
    "prompt_toolkit",
    "pyarrow",
    "pydantic",
    "pygments",
    "rich",
    "sqlglot",
    "tantivy",
)


def _loaded(code: str) -> set[str]:
    script = f"import sys\n{code}\nprint(*sorted(set(name.partition('.')[0] for name in sys.modules)))"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(run.stdout.split()) & set(HEAVY)


def test_import_btql_is_light():
    assert _loaded("import btql") == set()


def test_the_command_line_is_light_until_a_command_runs():
    assert _loaded("import btql.cli.app") == set()


def test_the_command_line_does_without_pandas():
    code = """
from btql.cli.start import prepare
prepare()
import pyarrow as pa
pa.array([1, None])
pa.scalar(1)
"""
    assert "pandas" not in _loaded(code)
