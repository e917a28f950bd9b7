"""A folder of work."""

from __future__ import annotations

import pytest


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder of work, and an empty pack folder."""
    monkeypatch.setenv("EDGETUNE_PACKS", str(tmp_path / "packs"))
    monkeypatch.delenv("EDGETUNE_CMSIS_NN", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path
