"""The report of a run under way, for this computer only."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from cli_runner import DATA, MODEL, ON_HOST, edgetune
from written_run import write_run

from edgetune.session import live_view
from edgetune.session.live_view import LiveView

AGAIN = '<meta http-equiv="refresh"'


@pytest.fixture
def run(tmp_path, monkeypatch) -> Path:
    """Under way."""
    monkeypatch.setattr(live_view, "LEAST_SECONDS", 0.0)
    monkeypatch.setattr(live_view, "REFRESH", 0.01)
    write_run(tmp_path, 10)
    set_status(tmp_path, "running")
    return tmp_path


def set_status(folder: Path, status: str) -> None:
    record = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps(record | {"status": status}))


def get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:
        assert answer.headers["Cache-Control"] == "no-store"
        return answer.read().decode()


def test_the_page_grows_with_the_run_and_rests_when_it_has_ended(run):
    with LiveView(run) as view:
        first = get(view.url)
        assert AGAIN in first and "10 steps so far" in first
        with open(run / "metrics.jsonl", "a") as log:
            log.write('{"step": 10, "label": 1, "prediction": 1, "measure": 9, "draws": 0}\n')
        assert "11 steps so far" in get(view.url)
        set_status(run, "done")
        assert AGAIN not in get(view.url)


def test_it_is_for_this_computer_and_for_its_own_name_only(run):
    """Another host's name, as a page of elsewhere would have it, finds nothing."""
    with LiveView(run) as view:
        host, port = view.names[0].split(":")
        assert host == "127.0.0.1"
        for path, name, status in (
            ("/", f"localhost:{port}", 200), ("/", f"evil.example:{port}", 404),
            ("/run.json", view.names[0], 404), ("/../run.json", view.names[0], 404),
        ):
            connection = http.client.HTTPConnection(host, int(port), timeout=10)
            connection.request("GET", path, headers={"Host": name})
            assert connection.getresponse().status == status
            connection.close()
    with pytest.raises(OSError):
        http.client.HTTPConnection(host, int(port), timeout=1).connect()


def test_a_folder_without_a_run_yet_and_a_fault_of_the_page_cost_nothing(run, monkeypatch):
    (run / "run.json").unlink()
    with LiveView(run) as view:
        assert "unknown after 10 steps" in get(view.url)
    with LiveView(run) as view:
        monkeypatch.setattr(live_view, "run_page", lambda *_, **__: 1 / 0)
        with pytest.raises(urllib.error.HTTPError, match="500"):
            get(view.url)


@pytest.mark.thorough
def test_tune_shows_where_it_can_be_looked_at(tmp_path, monkeypatch):
    """The last page is there for who looked at one."""
    monkeypatch.chdir(tmp_path)
    opened, pages = [], []

    class Looked(LiveView):
        def close(self, wait=True):
            pages.append(get(self.url))
            super().close(wait)

    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr("webbrowser.open", opened.append)
    monkeypatch.setattr(live_view, "LiveView", Looked)
    said = edgetune("tune", MODEL, *ON_HOST, "--data", DATA, "--samples", 5, "--passes", 1,
                    "--view", "-q")
    assert said.code == 0
    [url] = opened
    assert url.startswith("http://127.0.0.1:") and url in said.stderr
    assert "done, 5 steps" in pages[0] and AGAIN not in pages[0]
    assert "Report: runs/0001-digits_int8/report.html" in said.stdout
