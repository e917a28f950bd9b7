"""A folder of packs of the test's own."""

from __future__ import annotations

import pytest

from edgetune.packs import PackStore


@pytest.fixture(autouse=True)
def store(tmp_path, monkeypatch):
    """An empty pack folder, which the command line uses too."""
    monkeypatch.setenv("EDGETUNE_PACKS", str(tmp_path / "packs"))
    monkeypatch.chdir(tmp_path)
    return PackStore()


@pytest.fixture
def no_network(monkeypatch):
    """A proxy that refuses every connection: the discard port of this machine."""
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
