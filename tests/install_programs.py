"""Install the programs that tests run for real, where they are missing: ``make test`` calls this first.

They are Debian's packages. As root, or where sudo asks no password, they are installed; elsewhere this says
what is missing and how to get it. The services are never left running: fixtures start and stop their own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

PROGRAMS = {
    "redis-server": ["redis-server"],
    "chromium": ["chromium", "fonts-noto-color-emoji", "fonts-wqy-microhei"],
    "psql": ["postgresql-client"],
    "initdb": ["postgresql"],
    "javac": ["default-jdk-headless"],
    # A JDK that was there before brings no driver.
    "/usr/share/java/postgresql.jar": ["libpostgresql-jdbc-java"],
}
"""Program, or path of a file, to the packages that bring it."""


def main() -> None:
    """Install what is missing."""
    # Debian keeps the programs of PostgreSQL's server out of the way.
    path = os.pathsep.join([os.environ["PATH"], *map(str, Path("/usr/lib/postgresql").glob("*/bin"))])
    missing = [name for name in PROGRAMS if shutil.which(name, path=path) is None and not Path(name).is_file()]
    if not missing:
        return
    packages = [package for name in missing for package in PROGRAMS[name]]
    command = ["apt-get", "install", "--yes", "--no-install-recommends", *packages]
    prefix = _privilege()
    if prefix is None or shutil.which("apt-get") is None:
        sys.exit(f"the tests need {', '.join(missing)}; on Debian: sudo {' '.join(command)}")
    print(f"installing {', '.join(missing)} (once)", flush=True)
    # A package that starts its service would take a port; run level 1 keeps Debian's from doing so.
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    for step in (["apt-get", "update"], command):
        done = subprocess.run([*prefix, *step], env=environment, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"`{' '.join(step)}` failed:\n{done.stdout}{done.stderr}")


def _privilege() -> list[str] | None:
    """Return what to put before a command that needs root; None where there is no way."""
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") and subprocess.run(["sudo", "-n", "true"], capture_output=True).returncode == 0:
        return ["sudo", "-n", "--preserve-env=DEBIAN_FRONTEND,RUNLEVEL"]
    return None


if __name__ == "__main__":
    main()
