"""Flight SQL in `btql serve`: its port, TLS, restarts, the end."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace

import adbc_driver_flightsql.dbapi as flightsql
import pytest
from adbc_driver_flightsql import DatabaseOptions
from pyarrow import flight
from server_support.certificates import issued
from server_support.endless import ENDLESS
from server_support.pg import demo_rows
from server_support.processes import children
from server_support.serving import btql_serve
from server_support.waiting import eventually

import btql
from btql_server.listening import ServeError
from btql_server.serve import check
from btql_server.settings import Settings

COUNT = "SELECT count(*) AS n FROM demo"


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    return issued(tmp_path_factory.mktemp("tls"))


def asked(address, certificates):
    options = {DatabaseOptions.TLS_ROOT_CERTS.value: certificates.authority.read_text()}
    with (
        flightsql.connect(address, db_kwargs=options, autocommit=True) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(COUNT)
        return cursor.fetchall()


def test_one_worker_serves_it_over_tls_and_the_next_one_takes_its_port(tmp_path, certificates):
    data = tmp_path / "db"
    with btql.connect(data) as connection:
        connection.ingest("project_logs:demo", demo_rows())
    doors = ("--flight", "127.0.0.1:0", "--workers", "2", *certificates.options)
    with btql_serve(data, "--insecure-no-auth", *doors) as server:
        address = server.addresses["flight"]
        assert address.startswith("grpc+tls://127.0.0.1:")
        assert asked(address, certificates) == [(500,)]

        first = children(server.pid)["worker-1"]
        os.kill(first, signal.SIGKILL)
        eventually(lambda: children(server.pid).get("worker-1", first) != first)

        def answers():
            try:
                return asked(address, certificates)
            except flightsql.Error:
                return None

        assert eventually(answers) == [(500,)]

        # A client that reads no further does not keep the server from ending.
        root = certificates.authority.read_bytes()
        with flight.connect(address, tls_root_certs=root) as client:
            reader = client.do_get(flight.Ticket(ENDLESS.encode()))
            reader.read_chunk()
            began = time.monotonic()
            assert server.stop() == 0
            assert time.monotonic() - began < 30
            reader.cancel()
    log = server.log.read_text()
    assert '"DoGet TicketStatementQuery OK"' in log
    assert "Traceback" not in log


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--flight", "127.0.0.1:{taken}"), "cannot listen on 127.0.0.1:{taken}: address already in use"),
        (("--flight", "nowhere"), "no address"),
        (("--flight", "127.0.0.1:0", "--tls-cert", "{certificate}"), "give both --tls-cert and --tls-key"),
    ],
)
def test_what_cannot_be_served_is_one_line(tmp_path, certificates, options, message):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        names = {"taken": taken.getsockname()[1], "certificate": certificates.certificate}
        given = [each.format(**names) for each in options]
        command = [sys.executable, "-m", "btql", "serve", "--data", str(tmp_path / "db"), "--http", "127.0.0.1:0"]
        done = subprocess.run([*command, *given], capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode != 0
    assert message.format(**names) in " ".join(done.stderr.split())
    assert "while attempting" not in done.stderr
    assert "Traceback" not in done.stderr


def test_what_would_be_open_to_everybody_or_has_no_certificate_is_refused(tmp_path, certificates):
    settings = Settings(tmp_path / "db", ("127.0.0.1", 0), flight=("127.0.0.1", 0))
    with pytest.raises(ServeError, match="may only listen on this machine"):
        check(replace(settings, flight=("0.0.0.0", 0), insecure_no_auth=True))
    with pytest.raises(ServeError, match="nobody has a key yet"):
        check(replace(settings, flight=("0.0.0.0", 0)))
    with pytest.raises(btql.Error, match="cannot use the certificate"):
        check(replace(settings, tls_cert=tmp_path / "no.pem", tls_key=certificates.key))


def test_a_server_without_it_does_not_load_it():
    code = (
        "import sys, btql_server.worker, btql_server.process, btql_server.serve; print('pyarrow.flight' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)

    assert done.stdout.strip() == "False"
