"""``btql serve``: the database as a server."""

import re
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from btql.cli.console import UsageFailure, note
from btql.cli.database import NewData
from btql.cli.examples import examples
from btql.cli.streams import forget_stdout
from btql_storage.errors import NotInstalled, reason_of
from btql_storage.opening.address import REDIS, service_address
from btql_storage.opening.location import locate

if TYPE_CHECKING:
    from btql_server.settings import Limits

EXAMPLES = examples(
    "btql serve --data traces --insecure-no-auth",
    "btql keys create --data traces --user me@example.com",
    "btql serve --data traces --http 0.0.0.0:8000 --workers 2",
    "btql serve --data traces --insecure-no-auth --pg 127.0.0.1:5432",
    "btql serve --data traces --limit request_bytes_max=1GiB --limit document_bytes_max=512MiB",
)
_PORT_MAX = 65_535
_LIBRARIES = ("uvicorn", "httptools", "uvloop", "starlette", "prometheus_client")


_Http = Annotated[str, typer.Option("--http", metavar="HOST:PORT", help="Where to listen; port 0 takes a free one.")]
_Pg = Annotated[
    str | None, typer.Option("--pg", metavar="HOST:PORT", help="Where the Postgres wire listens, if it is to.")
]
_Flight = Annotated[
    str | None, typer.Option("--flight", metavar="HOST:PORT", help="Where Flight SQL listens, if it is to.")
]
_TlsCert = Annotated[
    Path | None, typer.Option("--tls-cert", metavar="FILE", help="A certificate in PEM, for --pg and --flight.")
]
_TlsKey = Annotated[Path | None, typer.Option("--tls-key", metavar="FILE", help="The key of the certificate, in PEM.")]
_Workers = Annotated[int, typer.Option("--workers", min=1, max=256, help="Processes that answer requests.")]
_InsecureNoAuth = Annotated[
    bool, typer.Option("--insecure-no-auth", help="Check no keys: whoever reaches the port may do everything.")
]
_PublicUrl = Annotated[
    str | None, typer.Option("--public-url", metavar="URL", help="Where clients reach the server, behind a proxy.")
]
_Origin = Annotated[
    list[str] | None, typer.Option("--origin", metavar="URL", help="An origin of pages that may send requests.")
]
_RequestsPerMinute = Annotated[
    int | None, typer.Option("--requests-per-minute", min=1, help="The most requests of one key.")
]
_QueriesPerMinute = Annotated[
    int | None, typer.Option("--queries-per-minute", min=1, help="The most queries of one key on one object.")
]
_Redis = Annotated[
    str | None, typer.Option("--redis", metavar="URL", help="Where rates are counted for all workers together.")
]
_CompactCpu = Annotated[
    float, typer.Option("--compact-cpu", min=0.01, max=1.0, help="The share of one core that compaction may use.")
]
_CompactRate = Annotated[
    float | None, typer.Option("--compact-rate", min=0.1, metavar="MB", help="The most JSON it writes in a second.")
]
_Limit = Annotated[
    list[str] | None,
    typer.Option(
        "--limit",
        metavar="NAME=VALUE",
        help="A limit, such as query_memory_bytes_max=4GiB; may be repeated. A wrong name lists all.",
    ),
]
_LogLevel = Annotated[str, typer.Option("--log-level", help="What is logged: debug, info, warning or error.")]


def serve(
    data: NewData,
    http: _Http = "127.0.0.1:8000",
    pg: _Pg = None,
    flight: _Flight = None,
    tls_cert: _TlsCert = None,
    tls_key: _TlsKey = None,
    workers: _Workers = 1,
    insecure_no_auth: _InsecureNoAuth = False,
    public_url: _PublicUrl = None,
    origin: _Origin = None,
    requests_per_minute: _RequestsPerMinute = None,
    queries_per_minute: _QueriesPerMinute = None,
    redis: _Redis = None,
    compact_cpu: _CompactCpu = 1.0,
    compact_rate: _CompactRate = None,
    limit: _Limit = None,
    log_level: _LogLevel = "info",
) -> None:
    """Serve a database over HTTP: BTQL and SQL, Braintrust's SDKs, OpenTelemetry, and a page for people at /.

    With `--pg` also as a Postgres server, for psql, drivers and dashboards; with `--flight` as Arrow Flight SQL, for
    ADBC and pyarrow.flight. Prints one line, `ready http=... pg=... flight=...`, once requests are answered, and logs
    JSON lines on standard error. Stops on SIGTERM or Ctrl-C: what runs may end, and what was acknowledged is durable.
    """
    _require_libraries()
    from btql_server.serve import serve as serve_with
    from btql_server.settings import Settings

    _check_level(log_level)
    _check_certificate(tls_cert, tls_key)
    service_address("--public-url", public_url, ("http", "https"))
    service_address("--redis", redis, REDIS)
    location = locate(data)
    rates = {"requests_per_minute": requests_per_minute, "queries_per_minute": queries_per_minute}
    settings = Settings(
        data=location.own_folder,
        database=None if location.is_alone else data,
        http=_address(http),
        pg=None if pg is None else _address(pg),
        flight=None if flight is None else _address(flight),
        tls_cert=tls_cert,
        tls_key=tls_key,
        workers=workers,
        insecure_no_auth=insecure_no_auth,
        public_url=public_url,
        origins=tuple(map(origin_of, origin or ())),
        redis=redis,
        compact_cpu=compact_cpu,
        compact_bytes_per_s=None if compact_rate is None else round(compact_rate * 1e6),
        log_level=log_level,
        limits=_limits(location.limits, limit or [], rates),
        layout=location.layout,
    )
    serve_with(settings, _say_ready)


def _say_ready(addresses: Mapping[str, str]) -> None:
    """Print the line that says where requests are answered; they are, also where nobody reads it."""
    try:
        print("ready", *(f"{door}={url}" for door, url in addresses.items()), flush=True)
    except OSError as error:
        note(f"warning: `ready` is not printed: {error.filename}: {reason_of(error)}")
        forget_stdout()


def _require_libraries() -> None:
    """Raise where a server has not what it needs: its processes could only end with a traceback each."""
    missing = next((name for name in _LIBRARIES if find_spec(name) is None), None)
    if missing is not None:
        raise NotInstalled(missing, "a server", "server")


def _check_level(log_level: str) -> None:
    if log_level not in ("debug", "info", "warning", "error"):
        raise UsageFailure(f"`{log_level}` is no level: say debug, info, warning or error")


def _check_certificate(certificate: Path | None, key: Path | None) -> None:
    if (certificate is None) != (key is None):
        raise UsageFailure("a certificate goes with its key: give both --tls-cert and --tls-key")


def _limits(configured: Mapping[str, object], given: list[str], rates: Mapping[str, int | None]) -> "Limits":
    """Return the limits that the configuration file, the environment and the options say, the options last."""
    from btql_server.settings import Limits
    from btql_storage.limits import from_environment, from_file, with_options

    limits = from_environment(from_file(Limits(), configured))
    limits = with_options(limits, {name: value for name, value in rates.items() if value is not None})
    pairs = [one.partition("=") for one in given]
    return with_options(limits, {name.strip(): size for name, _, size in pairs}, "--limit {}".format)


def origin_of(origin: str) -> str:
    """Return an origin as browsers send it, which is how it is compared: in small letters, with nothing behind it."""
    host = origin.lower().removesuffix("/").partition("://")[2]
    if not origin.lower().startswith(("http://", "https://")) or not re.fullmatch(r"[^\s/?#@*]+", host):
        raise UsageFailure(f"`{origin}` is no origin: write scheme and host, such as https://app.example.com")
    return origin.lower().removesuffix("/")


def _address(text: str) -> tuple[str, int]:
    """Return host and port; IPv6 hosts are written in brackets."""
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isdecimal() or int(port) > _PORT_MAX:
        raise UsageFailure(f"`{text}` is no address: write host and port, such as 127.0.0.1:8000")
    return host.removeprefix("[").removesuffix("]"), int(port)
