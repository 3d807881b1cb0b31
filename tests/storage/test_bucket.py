"""A database in a bucket: what it calls the service for, what copies spare it, and what it says when that fails."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from storage_support.reading import documents_of

from btql_storage.errors import AccessDenied, BadLocation, Damaged, InputOutput, NotADatabase, StorageError, Unreachable
from btql_storage.folder import Settings
from btql_storage.store import Storage
from btql_storage.stores.bucket import BucketStore
from btql_storage.stores.cache import DiskCache
from btql_storage.stores.interface import AlreadyThere
from btql_storage.stores.remote import Patience, Remote
from btql_storage.text.probe import Phrase

S3 = tuple[str, str]


def opened(s3: S3, folder: Path, cache: str = "cache", wal_grace_s: int = 60) -> Storage:
    address, endpoint = s3
    place = f"{address}?endpoint={endpoint}&catalog=sqlite:{folder}/catalog.sqlite&cache={folder}/{cache}"
    return Storage.open(place, create=True, settings=Settings(grace_s=wal_grace_s, wal_grace_s=wal_grace_s))


def calls(storage: Storage) -> dict[str, int]:
    return {name: count for name, count in storage.usage().calls.items() if count}


def copies(storage: Storage, *, was_there: bool) -> int:
    return storage.usage().lookups.get(("copies", was_there), 0)


def test_a_database_is_written_and_read_by_two_machines(s3: S3, quick_path: Path):
    with opened(s3, quick_path) as writer, opened(s3, quick_path, "elsewhere") as reader:
        target = writer.create_object("dataset", "d")
        for number in range(3):
            writer.ingest(target, [{"id": "a", "input": number}, {"id": f"b{number}", "input": "text"}])

            assert documents_of(reader, target)["a"]["input"] == number

            writer.compact()

            assert documents_of(reader, target) == documents_of(writer, target)
        with reader.snapshot(target) as snapshot:
            assert [part.part.texts.find(Phrase("input", ("text",))).rows for part in snapshot.parts] != []


def test_what_is_read_again_is_not_fetched_again(s3: S3, quick_path: Path):
    with opened(s3, quick_path) as writer:
        target = writer.create_object("dataset", "d")
        writer.ingest(target, [{"id": "a"}])
        writer.compact()
        writer.ingest(target, [{"id": "b"}])
        before = calls(writer)
        documents_of(writer, target)

        # Who wrote it has it.
        assert calls(writer) == before | {"list": before["list"] + 1}
    with opened(s3, quick_path, "elsewhere") as reader:
        documents_of(reader, target)
        assert copies(reader, was_there=False) > 0
    with opened(s3, quick_path, "elsewhere") as reader:
        opened_with = calls(reader)
        for _ in range(3):
            documents_of(reader, target)

        # Each snapshot lists the log, and nothing else is asked for.
        assert calls(reader) == opened_with | {"list": opened_with.get("list", 0) + 3}
        assert copies(reader, was_there=False) == 0
        assert copies(reader, was_there=True) > 0


def test_a_write_is_one_call_and_a_part_is_one_for_each_file(s3: S3, quick_path: Path):
    with opened(s3, quick_path) as storage:
        target = storage.create_object("project_logs", "p")
        storage.ingest(target, [{"id": "a"}])
        before = calls(storage)
        storage.ingest(target, [{"id": "b"}])

        assert calls(storage) == before | {"put": before["put"] + 1}

    address, endpoint = s3
    store = BucketStore.open(address, DiskCache(quick_path, 1 << 20), endpoint=endpoint)
    folder = store.unfinished("parts/7")
    (folder / "text").mkdir(parents=True)
    for name in ("columns.parquet", "keys.arrow", "text/1", "text/2"):
        (folder / name).touch()
    store.publish("parts/7")

    assert store.calls["put"] == 3


def test_the_log_is_listed_from_where_it_is_processed(s3: S3, quick_path: Path, monkeypatch: pytest.MonkeyPatch):
    with opened(s3, quick_path, wal_grace_s=600) as storage:
        target = storage.create_object("project_logs", "p")
        for number in range(3):
            storage.ingest(target, [{"id": str(number)}])
        storage.compact_once()
        documents_of(storage, target)
        storage.ingest(target, [{"id": "new"}])
        listed: list[list[str]] = []
        real = BucketStore.list
        monkeypatch.setattr(BucketStore, "list", lambda *given: listed.append(real(*given)) or listed[-1])

        assert set(documents_of(storage, target)) == {"0", "1", "2", "new"}
        assert [len(names) for names in listed] == [1]


def test_copies_that_no_query_needs_make_room(s3: S3, quick_path: Path):
    address, endpoint = s3
    with opened(s3, quick_path) as writer:
        target = writer.create_object("project_logs", "p")
        for number in range(4):
            writer.ingest(target, [{"id": f"{number}-{row}", "input": f"{number * row}" * 50} for row in range(50)])
            writer.compact_once()
        expected = documents_of(writer, target)
    place = f"{address}?endpoint={endpoint}&catalog=sqlite:{quick_path}/catalog.sqlite&cache={quick_path}/small"
    with Storage.open(f"{place}&cache_bytes=50000", settings=Settings(part_rows_max=1)) as reader:
        for _ in range(2):
            with reader.snapshot(target) as snapshot:
                # While they are read all of them stay, whatever comes in.
                paths = [each.part.columns_path for each in snapshot.parts]
                assert documents_of(reader, target) == expected
                assert all(path.exists() for path in paths)
        used = sum(path.stat().st_size for path in (quick_path / "small/files").rglob("*") if path.is_file())

        assert used <= 50_000


def test_a_bucket_that_was_emptied_and_used_again_has_no_old_copies(s3: S3, quick_path: Path):
    address, endpoint = s3
    for number in range(2):
        catalog = f"sqlite:{quick_path}/catalog{number}.sqlite"
        place = f"{address}?endpoint={endpoint}&catalog={catalog}&cache={quick_path}/cache"
        with Storage.open(place, create=True) as storage:
            target = storage.create_object("project_logs", "p")
            storage.ingest(target, [{"id": f"of{number}"}])
            storage.compact_once()

            assert set(documents_of(storage, target)) == {f"of{number}"}
        store = BucketStore.open(address, DiskCache(quick_path / "other", 0), endpoint=endpoint)
        store.delete_files(["btql.json"])
        for name in ("wal", "parts", "states"):
            store.delete(name)


def test_a_damaged_copy_is_made_anew(s3: S3, quick_path: Path):
    with opened(s3, quick_path, wal_grace_s=600) as writer:
        target = writer.create_object("dataset", "d")
        writer.ingest(target, [{"id": "a", "input": "text"}])
        writer.compact_once()
        writer.ingest(target, [{"id": "b"}])
        expected = documents_of(writer, target)
    copies = [path for path in (quick_path / "cache/files").rglob("*") if path.suffix in (".arrow", ".parquet")]
    for path in copies:
        path.write_bytes(b"x" * path.stat().st_size)
    with opened(s3, quick_path) as reader:
        assert documents_of(reader, target) == expected
        assert not [part for part in reader._folder.catalog.view(target.id).parts if part.quarantined]
    assert len(copies) >= 4


def test_copies_of_what_was_removed_go_on_other_machines_too(s3: S3, quick_path: Path):
    with opened(s3, quick_path, wal_grace_s=0) as writer, opened(s3, quick_path, "elsewhere") as reader:
        target = writer.create_object("dataset", "d")
        writer.ingest(target, [{"id": "a", "input": "secret"}])
        writer.compact_once()
        documents_of(reader, target)
        store = reader._folder.store
        assert isinstance(store, BucketStore)
        store.tidy()
        kept = copies_in(quick_path / "elsewhere")
        writer.ingest(target, [{"id": "a", "_object_delete": True}])
        for part in writer._folder.catalog.view(target.id).parts:
            writer._folder.store.delete(f"parts/{part.id}")
        (quick_path / "elsewhere").joinpath(*kept[0].parts[:2], ".tidied").unlink()
        store.tidy()

        assert any("parts" in path.parts for path in kept)
        assert not any("parts" in path.parts for path in copies_in(quick_path / "elsewhere"))


def copies_in(folder: Path) -> list[Path]:
    return [path.relative_to(folder) for path in (folder / "files").rglob("*") if path.is_file()]


def test_a_damaged_archive_and_a_missing_file_are_named(s3: S3, quick_path: Path):
    address, endpoint = s3
    store = BucketStore.open(address, DiskCache(quick_path, 1 << 20), endpoint=endpoint)
    store.put("parts/1/text.tar", b"no archive")
    with pytest.raises(Damaged, match=r"`s3://.*/parts/1/text\.tar` is not what it should be"):
        store.folder("parts/1/text")
    with pytest.raises(Damaged, match=r"`s3://.*/parts/1/keys\.arrow` is missing; restore the database"):
        store.file("parts/1/keys.arrow")


def test_a_prefix_is_taken_as_it_is_written(s3: S3, quick_path: Path):
    address, endpoint = s3
    above = BucketStore.open(address, DiskCache(quick_path, 1 << 20), endpoint=endpoint)
    for prefix in ("a b", "x%41", "q?x=1", "ü//"):
        store = BucketStore.open(f"{address}/{prefix}", DiskCache(quick_path, 1 << 20), endpoint=endpoint)
        store.put("wal/1", b"x")

        assert store.label == f"{address}/{prefix.rstrip('/')}"
    assert above.list("") == ["a b", "q?x=1", "x%41", "ü"]


def test_there_is_no_such_bucket(s3: S3, quick_path: Path):
    store = BucketStore.open("s3://nowhere/db", DiskCache(quick_path, 1), endpoint=s3[1])
    attempts = (
        lambda: store.put("wal/1", b""),
        lambda: store.read("btql.json"),
        lambda: store.list("wal"),
        lambda: store.sizes("wal"),
        lambda: store.delete_files(["wal/1"]),
    )
    for attempt in attempts:
        with pytest.raises(NotADatabase, match=r"`s3://nowhere/db[^`]*`: .*; make the bucket, or correct its name"):
            attempt()


ANSWERS = {
    "expired": (400, "ExpiredToken", "The provided token has expired.", AccessDenied, "renew the credentials: AWS_"),
    "unknown key": (403, "InvalidAccessKeyId", "No such key.", AccessDenied, "check AWS_ACCESS_KEY_ID"),
    "forbidden": (403, "AccessDenied", "Access Denied", AccessDenied, "what they are allowed to do"),
    "clock": (403, "RequestTimeTooSkewed", "The difference is too large.", AccessDenied, "RequestTimeTooSkewed"),
    "overloaded": (503, "SlowDown", "Reduce your request rate.", Unreachable, "try again"),
    "broken": (500, "InternalError", "We met an error.", Unreachable, "InternalError: We met an error."),
    "too slow": (400, "RequestTimeout", "Your socket was idle.", Unreachable, "RequestTimeout: Your socket was idle."),
    "other region": (301, "PermanentRedirect", "Use the other one.", BadLocation, "set AWS_REGION to the region"),
    "wrong region": (400, "AuthorizationHeaderMalformed", "The region is wrong.", BadLocation, "set AWS_REGION"),
    "odd": (400, "EntityTooLarge", "Too large.", InputOutput, "EntityTooLarge: Too large."),
}


@pytest.mark.parametrize("case", ANSWERS)
def test_what_the_service_answers_is_told(s3: S3, quick_path: Path, case: str):
    status, code, message, kind, told = ANSWERS[case]
    body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{message}</Message></Error>"
    with answering(lambda _: f"HTTP/1.1 {status} No\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()) as endpoint:
        store = BucketStore.open(s3[0], DiskCache(quick_path, 1), endpoint=endpoint, patience=Patience(0.3))
        for attempt in (lambda: store.put("wal/1", b"x"), lambda: store.list("wal"), lambda: store.file("wal/1")):
            with pytest.raises(StorageError) as caught:
                attempt()

            assert type(caught.value) is kind
            assert told in str(caught.value)
            assert "\n" not in str(caught.value)
            assert f"`{s3[0]}/" in str(caught.value)


def denied() -> bytes:
    body = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
    return b"HTTP/1.1 403 No\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


def test_a_write_that_the_service_refuses_is_not_stored(s3: S3, quick_path: Path):
    refused: list[bytes] = []

    def relay(request: bytes) -> bytes:
        if refused and request.startswith(b"PUT"):
            refused.append(request)
            return denied()
        return ask(s3[1], request)

    with answering(relay) as endpoint, opened((s3[0], endpoint), quick_path) as storage:
        target = storage.create_object("dataset", "d")
        refused.append(b"from now on")
        # The file of the request and, as nobody may be kept waiting for it, the one that would make its number void.
        with pytest.raises(AccessDenied, match=r"cannot write `.*`: AccessDenied: .*; check AWS_ACCESS_KEY_ID"):
            storage.ingest(target, [{"id": "a"}])
        assert len(refused) == 3
        refused.clear()
        storage.ingest(target, [{"id": "b"}])

        assert documents_of(storage, target).keys() == {"b"}


def test_a_refusal_after_a_lost_answer_does_not_tell_that_nothing_was_stored(s3: S3, quick_path: Path):
    puts: list[bytes] = []

    def relay(request: bytes) -> bytes | None:
        if not request.startswith(b"PUT"):
            return ask(s3[1], request)
        puts.append(request)
        if len(puts) == 1:
            ask(s3[1], request)
            return None
        return denied()

    with answering(relay) as endpoint:
        store = BucketStore.open(s3[0], DiskCache(quick_path, 1), endpoint=endpoint, patience=Patience(5))
        with pytest.raises(Unreachable, match=r"AccessDenied: .* may be stored or not"):
            store.put("wal/1", b"mine")
        assert store.read("wal/1") == b"mine"


NO_CREDENTIALS = {
    "s3://b/p": r"cannot read `s3://b/p/btql\.json`: there are no credentials for it; set AWS_ACCESS_KEY_ID",
    "az://c/p": r"cannot open `az://c/p`: .*Account must be specified; check AZURE_STORAGE_ACCOUNT_NAME",
    "gs://b/p": r"cannot open `gs://b/p`: .*nowhere\.json.*; check GOOGLE_APPLICATION_CREDENTIALS",
}


@pytest.mark.parametrize("address", NO_CREDENTIALS)
def test_there_are_no_credentials(quick_path: Path, address: str, monkeypatch: pytest.MonkeyPatch):
    for name in [name for name in os.environ if name.startswith(("AWS_", "AZURE_"))]:
        monkeypatch.delenv(name)
    # Where these machines would ask the cloud that they run in, nobody answers.
    monkeypatch.setenv("AWS_METADATA_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere.json")
    with pytest.raises(AccessDenied, match=NO_CREDENTIALS[address]):
        BucketStore.open(address, DiskCache(quick_path, 1), patience=Patience(0.3)).read("btql.json")


@pytest.mark.parametrize("endpoint", ["nonsense", "ftp://host", "http://", "https://user:secret@host"])
def test_an_endpoint_is_an_address(quick_path: Path, endpoint: str):
    with pytest.raises(BadLocation, match="is no address of a service") as caught:
        BucketStore.open("s3://b/p", DiskCache(quick_path, 1), endpoint=endpoint)
    assert "secret" not in str(caught.value)


def test_nobody_listens(s3: S3, quick_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as free:
        endpoint = f"http://127.0.0.1:{free.getsockname()[1]}"
    store = BucketStore.open(s3[0], DiskCache(quick_path, 1), endpoint=endpoint, patience=Patience(0.3))
    began = time.monotonic()
    with pytest.raises(Unreachable, match="no connection; nothing was stored; look whether the service runs"):
        store.put("wal/1", b"x")
    with pytest.raises(Unreachable, match=r"cannot list .*: no connection; .* whether `endpoint` names it"):
        store.list("wal")
    assert time.monotonic() - began < 5


def test_an_answer_never_comes(s3: S3, quick_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
        store = BucketStore.open(s3[0], DiskCache(quick_path, 1), endpoint=endpoint, patience=Patience(0.3, 0.2))
        with pytest.raises(Unreachable, match=r"no answer in time; .* may be stored or not: look before repeating"):
            store.put("wal/1", b"x")


def test_an_answer_that_is_lost_is_no_reason_to_write_twice(s3: S3, quick_path: Path):
    """The first put gets through, its answer does not; the second finds the name taken, by itself."""
    lost: list[bytes] = []

    def relay(request: bytes) -> bytes | None:
        answer = ask(s3[1], request)
        if request.startswith(b"PUT") and not lost:
            lost.append(answer)
            return None
        return answer

    with answering(relay) as endpoint:
        store = BucketStore.open(s3[0], DiskCache(quick_path, 1), endpoint=endpoint, patience=Patience(5))
        assert store.put("wal/1", b"mine") == 4
        assert store.read("wal/1") == b"mine"
        with pytest.raises(AlreadyThere):
            store.put("wal/1", b"mine")
    assert lost


def refused(status: int, code: str) -> bytes:
    body = b"<Error><Code>%s</Code><Message>No.</Message></Error>" % code.encode()
    return b"HTTP/1.1 %d No\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body)


def test_a_put_that_is_in_the_way_of_another_is_not_a_name_that_is_taken(s3: S3, quick_path: Path):
    """S3 says so while a call on the same name is not over; the name may be free."""
    puts: list[bytes] = []

    def relay(request: bytes) -> bytes:
        if not request.startswith(b"PUT"):
            return ask(s3[1], request)
        puts.append(request)
        return refused(409, "ConditionalRequestConflict") if len(puts) < 3 else ask(s3[1], request)

    with answering(relay) as endpoint:
        store = BucketStore.open(s3[0], DiskCache(quick_path, 1), endpoint=endpoint, patience=Patience(5))
        store.put("wal/1", b"mine")
        assert store.read("wal/1") == b"mine"
        with pytest.raises(AlreadyThere):
            store.put("wal/1", b"other")
        puts.clear()
        remote = Remote(s3[0], endpoint=endpoint, patience=Patience(0.05))
        with pytest.raises(Unreachable, match=r"ConditionalRequestConflict: .*; nothing was stored"):
            remote.put_new("wal/2", b"x")


def test_an_upload_that_the_service_gave_up_is_no_file_that_is_missing(s3: S3):
    with answering(lambda _: refused(404, "NoSuchUpload")) as endpoint:
        remote = Remote(s3[0], endpoint=endpoint, patience=Patience(0.3))
        with pytest.raises(InputOutput, match=r"cannot write `.*parts/1/rows.arrow`: NoSuchUpload: No\."):
            remote.upload("parts/1/rows.arrow", [b"x"])


@pytest.mark.parametrize("cuts", [1, 1_000])
def test_a_download_that_is_cut_goes_on_or_leaves_nothing(s3: S3, quick_path: Path, cuts: int):
    content = os.urandom(300_000)
    done: list[bytes] = []

    def relay(request: bytes) -> bytes:
        answer = ask(s3[1], request)
        if request.startswith(b"GET") and len(answer) > 1_000 and len(done) < cuts:
            done.append(request)
            return answer[: len(answer) // 2]
        return answer

    with answering(relay) as endpoint:
        cache = DiskCache(quick_path, 1 << 20)
        store = BucketStore.open(s3[0], cache, endpoint=endpoint, patience=Patience(1))
        store.put("parts/1/rows.arrow", content)
        if cuts == 1:
            assert store.file("parts/1/rows.arrow").read_bytes() == content
        else:
            with pytest.raises(Unreachable, match=r"cannot read `s3://.*rows\.arrow`"):
                store.file("parts/1/rows.arrow")
            assert cache.used() == 0
    assert done


def test_a_store_without_conditions_is_looked_at_first(s3: S3, quick_path: Path):
    body = b"<Error><Code>NotImplemented</Code><Message>A header is not implemented</Message></Error>"

    def relay(request: bytes) -> bytes:
        if b"if-none-match" in request.lower():
            return b"HTTP/1.1 501 Not Implemented\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
        return ask(s3[1], request)

    with answering(relay) as endpoint:
        store = BucketStore.open(s3[0], DiskCache(quick_path, 1), endpoint=endpoint, patience=Patience(5))
        assert store.put("wal/1", b"mine") == 4
        with pytest.raises(AlreadyThere):
            store.put("wal/1", b"other")
        assert store.read("wal/1") == b"mine"


def test_what_google_is_asked(quick_path: Path, monkeypatch: pytest.MonkeyPatch):
    """No emulator knows these calls, so this looks at their form."""
    asked: list[bytes] = []

    def answer(request: bytes) -> bytes:
        asked.append(request.lower())
        taken = len(asked) > 1
        body = b'{"error": {"code": 412, "message": "taken"}}' if taken else b""
        status = b"412 Precondition Failed" if taken else b"200 OK"
        return b'HTTP/1.1 %s\r\nETag: "1"\r\nContent-Length: %d\r\n\r\n%s' % (status, len(body), body)

    with answering(answer) as endpoint:
        key = {
            "gcs_base_url": endpoint,
            "disable_oauth": True,
            "client_email": "",
            "private_key": "",
            "private_key_id": "",
        }
        monkeypatch.setenv("GOOGLE_SERVICE_ACCOUNT_KEY", json.dumps(key))
        remote = Remote("gs://bucket/db", patience=Patience(1))
        remote.put_new("wal/1", b"x")
        with pytest.raises(AlreadyThere, match="gs://bucket/db/wal/1"):
            remote.put_new("wal/1", b"x")

    for request in asked:
        assert request.startswith(b"put /bucket/db%2fwal%2f1 ")
        assert b"\r\nx-goog-if-generation-match: 0\r\n" in request
        assert b"\r\nx-goog-meta-btqlput: " in request


def ask(endpoint: str, request: bytes) -> bytes:
    """Return what a service answers to one request."""
    host, _, port = endpoint.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), 10) as connection:
        head, _, rest = request.partition(b"\r\n\r\n")
        connection.sendall(head + b"\r\nConnection: close\r\n\r\n" + rest)
        answer = b""
        while chunk := connection.recv(1 << 16):
            answer += chunk
    return answer


@contextmanager
def answering(answer) -> Generator[str]:
    """Run a server that answers each request as a function says, and closes the connection; None is no answer."""

    def serve(connection: socket.socket) -> None:
        with connection:
            request = b""
            while b"\r\n\r\n" not in request and (chunk := connection.recv(1 << 16)):
                request += chunk
            head, _, body = request.partition(b"\r\n\r\n")
            lengths = [
                int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-l")
            ]
            while lengths and len(body) < lengths[0] and (chunk := connection.recv(1 << 16)):
                body += chunk
            found = answer(head + b"\r\n\r\n" + body) if head else None
            if found is not None:
                head, _, body = found.partition(b"\r\n\r\n")
                connection.sendall(head + b"\r\nConnection: close\r\n\r\n" + body)

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        # Closing alone does not wake whoever accepts.
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)
