"""The public suite for PEP 249 passes for a folder and for a server; :mod:`dbapi.suite` says what is changed in it."""

from __future__ import annotations

import pytest
from dbapi.suite import Suite


class TestFolder(Suite):
    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path):
        self.connect_args = (tmp_path / "db",)


class TestHttp(Suite):
    @pytest.fixture(autouse=True)
    def _server(self, addresses):
        self.connect_args = (addresses["http"],)


class TestFlight(Suite):
    @pytest.fixture(autouse=True)
    def _server(self, addresses):
        self.connect_args = (addresses["flight"],)


del Suite
