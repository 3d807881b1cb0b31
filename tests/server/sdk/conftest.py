"""Programs that use the real SDKs, run against a real ``btql serve``.

Each program in ``drivers/`` is what a user would write. It runs in a process of its own, knows the server by the
environment variables that users set, and prints what the SDK has told it as its last line, in JSON.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from uuid import uuid4

import pytest
from server_support import sdks
from server_support.clients import Api, Sdk
from server_support.serving import btql_serve, new_key

DRIVERS = Path(__file__).parent / "drivers"
NEWEST = "0.48.1"
PYTHONS = (NEWEST, "0.20.0", "0.0.203")
JS = "js"


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
def sdk_of(tmp_path_factory) -> Callable[[str], Sdk]:
    """Return an SDK by its version; the one of JavaScript is called ``js``."""

    @cache
    def found(version: str) -> Sdk:
        home = tmp_path_factory.mktemp("home")
        if version == JS:
            return Sdk(version, [str(sdks.NODE)], _beside_packages(tmp_path_factory.mktemp("js")), home)
        return Sdk(version, [str(sdks.python_with(version))], DRIVERS / "python", home)

    return found


def _beside_packages(folder: Path) -> Path:
    """Return a folder with the programs, and with the packages, which node looks for beside programs."""
    (folder / "node_modules").symlink_to(sdks.node_modules())
    for program in (DRIVERS / "js").glob("*.mjs"):
        shutil.copy(program, folder)
    return folder


@pytest.fixture(scope="session")
def told(api, sdk_of) -> Callable[[str, str], dict]:
    """Return what a program says with an SDK, in a project ``{program} {version}``; it is run once.

    A fixture that runs it by itself does so again, in the same project, when tests of another SDK came between.
    """
    return cache(lambda driver, version: sdk_of(version).run(api, driver, f"{driver} {version}"))


@pytest.fixture(scope="session", params=[*PYTHONS, JS])
def sdk(request, sdk_of) -> Sdk:
    """Each SDK, of either language."""
    return sdk_of(request.param)


@pytest.fixture(scope="session")
def newest_python(sdk_of) -> Sdk:
    return sdk_of(NEWEST)


@pytest.fixture(scope="session")
def js_sdk(sdk_of) -> Sdk:
    return sdk_of(JS)
