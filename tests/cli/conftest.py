"""Runs commands in this process, in an empty folder."""

import pytest

from btql.cli.app import run


@pytest.fixture
def btql(capfdbinary, monkeypatch, tmp_path):
    """Return a function that runs one command and returns exit code, standard output and error."""
    monkeypatch.chdir(tmp_path)

    def call(*words: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as exit_:
            run(list(words))
        out, err = capfdbinary.readouterr()
        # Bytes that are not text, of Arrow and Parquet, can be had back from the escapes.
        return int(exit_.value.code or 0), out.decode(errors="surrogateescape"), err.decode()

    return call
