"""Uploads in the store of the files, of which other servers have heard just now: no list need have them."""

from __future__ import annotations

from pathlib import Path

import pytest

from btql_server.http.upload import Upload
from btql_server.writing.files import Record
from btql_server.writing.stored_files import StoredFiles
from btql_storage.stores.local import LocalStore


class ListsNothing(LocalStore):
    """A store whose lists lag behind everything that is put here."""

    def list(self, name: str, after: str = "") -> list[str]:
        return []


@pytest.fixture
def files(tmp_path: Path) -> StoredFiles:
    return StoredFiles(ListsNothing(tmp_path / "db"), tmp_path / "incoming")


def uploaded(folder: Path, content: bytes) -> Upload:
    path = folder / "received"
    path.write_bytes(content)
    return Upload(path, len(content))


def test_a_batch_is_there_once_it_was_uploaded(files: StoredFiles, tmp_path: Path):
    assert files.overflow("org", "one") is None
    files.keep_overflow("org", "one", uploaded(tmp_path, b"rows"))

    assert files.overflow("org", "one") == b"rows"
    assert files.overflow("other", "one") is None


def test_what_was_said_last_of_an_attachment_counts(files: StoredFiles):
    assert files.record("org", "a") is None
    said = [Record("a", f"{number}.png", "image/png") for number in range(3)]
    for record in said:
        files.announce("org", record)

        assert files.record("org", "a") == record
