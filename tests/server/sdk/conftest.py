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
from server_support.serving import Serving, btql_serve

DRIVERS = Path(__file__).parent / "drivers"
NEWEST = "0.48.1"
PYTHONS = (NEWEST, "0.20.0", "0.0.203")


@pytest.fixture(scope="session")
def serving(tmp_path_factory) -> Iterator[Serving]:
    """A server process."""
    with btql_serve(tmp_path_factory.mktemp("sdk") / "db", "--insecure-no-auth") as found:
        yield found


@pytest.fixture(scope="session")
def api(serving) -> Iterator[Api]:
    with Api(serving.url, "sk-any") as found:
        yield found


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
