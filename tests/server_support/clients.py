"""Clients of a server: plain HTTP with a key, and programs that use one of the real SDKs."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Self

import httpx

_RUN_S = 120
_TROUBLE = ("Dropping batch", "log request failed", "Failed to", "Traceback")
"""What SDKs print where they go on in spite of a failure."""


class Api:
    """A server as a client with a key sees it."""

    def __init__(self, url: str, key: str) -> None:
        self.url = url
        self.key = key
        self.http = httpx.Client(base_url=url, headers={"authorization": f"Bearer {key}"}, timeout=60)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def query(self, text: str, **options: object) -> list[dict]:
        """Return the rows of a BTQL query."""
        answer = self.http.post("/btql", json={"query": text, "fmt": "json", **options})
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    def post(self, path: str, body: object) -> dict:
        """Post JSON, and return the answer's."""
        answer = self.http.post(path, json=body)
        assert answer.is_success, answer.text
        return answer.json()

    def environment(self, home: Path, **more: str) -> dict[str, str]:
        """Return what a user sets for a program that uses an SDK."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "BRAINTRUST_APP_URL": self.url,
            "BRAINTRUST_API_URL": self.url,
            "BRAINTRUST_API_KEY": self.key,
            **more,
        }


class Sdk:
    """One SDK: runs programs that use it."""

    def __init__(self, version: str, command: list[str], folder: Path, home: Path) -> None:
        self.version = version
        self.command = command
        self.folder = folder
        self.home = home

    def start(self, api: Api, driver: str, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """Start a program, with pipes to it."""
        return subprocess.Popen(
            [*self.command, str(self.program(driver)), *arguments],
            env=api.environment(self.home, **environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, api: Api, driver: str, *arguments: str, **environment: str) -> dict:
        """Run a program, and return what it prints as its last line."""
        with self.start(api, driver, *arguments, **environment) as process:
            try:
                out, err = process.communicate(timeout=_RUN_S)
            except subprocess.TimeoutExpired:
                process.kill()
                raise AssertionError(f"{driver} takes too long\n{process.communicate()[1]}") from None
        assert process.returncode == 0, f"{driver} failed\n{out}\n{err}"
        assert not [line for line in err.splitlines() if any(word in line for word in _TROUBLE)], err
        return json.loads(out.splitlines()[-1])

    def program(self, driver: str) -> Path:
        """Return the file of a program."""
        (found,) = self.folder.glob(f"{driver}.*")
        return found
