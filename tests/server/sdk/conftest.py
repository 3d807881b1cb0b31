"""Programs that use the real SDKs, run against a real ``btql serve``.

Each program in ``drivers/`` is what a user would write. It runs in a process of its own, knows the server by the
environment variables that users set, and prints what the SDK has told it as its last line, in JSON.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from server_support import sdks
from server_support.clients import Api, Sdk
from server_support.serving import btql_serve, new_key

DRIVERS = Path(__file__).parent / "drivers"
NEWEST = "0.48.1"
PYTHONS = (NEWEST, "0.20.0", "0.0.203")


@pytest.fixture(scope="session")
def api(tmp_path_factory) -> Iterator[Api]:
    """A server process that checks keys, and one of its keys."""
    data = tmp_path_factory.mktemp("sdk") / "db"
    key = new_key(data, "--user", "ada@example.com")
    with btql_serve(data) as serving, Api(serving.url, key) as found:
        yield found
        serving.stop()
        assert "a request failed" not in serving.log.read_text()


@pytest.fixture
def project() -> str:
    """A name that no other test uses."""
    return f"sdk {uuid4().hex[:8]}"


@pytest.fixture(scope="session")
def python_sdk_of(tmp_path_factory):
    def make(version: str) -> Sdk:
        home = tmp_path_factory.mktemp("home")
        return Sdk(version, [str(sdks.python_with(version))], DRIVERS / "python", home)

    return make


@pytest.fixture(scope="session", params=PYTHONS)
def python_sdk(request, python_sdk_of) -> Sdk:
    """Each generation of the Python SDK."""
    return python_sdk_of(request.param)


@pytest.fixture(scope="session")
def newest_python(python_sdk_of) -> Sdk:
    return python_sdk_of(NEWEST)


@pytest.fixture(scope="session")
def js_sdk(tmp_path_factory) -> Sdk:
    """The JavaScript SDK; node looks for packages beside the programs, so those are brought to the packages."""
    folder = tmp_path_factory.mktemp("js")
    (folder / "node_modules").symlink_to(sdks.node_modules())
    for program in (DRIVERS / "js").glob("*.mjs"):
        shutil.copy(program, folder)
    return Sdk("js", [str(sdks.NODE)], folder, tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="session", params=[*PYTHONS, "js"])
def sdk(request) -> Sdk:
    """Each SDK, of either language."""
    if request.param == "js":
        return request.getfixturevalue("js_sdk")
    return request.getfixturevalue("python_sdk_of")(request.param)
