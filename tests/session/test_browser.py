"""The report and the live page in a real browser: they render, and ask for nothing else."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from written_run import write_run

from edgetune.session import live_view
from edgetune.session.live_view import LiveView
from edgetune.session.reporter import Reporter
from edgetune.session.run_report import write_report

NAMES = ("chromium", "chromium-browser", "google-chrome")
MOST_SECONDS, MOST_BYTES = 2.0, 5 << 20


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip("no Chromium is installed")
    with playwright.sync_playwright() as started:
        one = started.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield one
        one.close()


class Watched:
    """A page of the browser, all that it asked for and all that it complained of."""

    def __init__(self, browser):
        self.page = browser.new_page()
        self._session = self.page.context.new_cdp_session(self.page)
        self._session.send("Performance.enable")  # before there is anything to measure
        self.asked: list[str] = []
        self.said: list[str] = []
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))

    @property
    def cpu_seconds(self) -> float:
        """Of the page's tasks so far: parsing, style, layout, paint."""
        found = self._session.send("Performance.getMetrics")["metrics"]
        return next(one["value"] for one in found if one["name"] == "TaskDuration")

    def charts(self) -> dict[str, int]:
        """Of each picture's name how much is drawn in it, in pixels of boxes on the screen."""
        return self.page.eval_on_selector_all("figure > svg", """all => Object.fromEntries(all.map(
            svg => [svg.getAttribute('aria-label'),
                [...svg.querySelectorAll('.plot rect.rect, .plot path.line, g > title + rect')]
                .map(one => one.getBoundingClientRect())
                .filter(box => box.width > 0 && box.left >= 0).length]))""")


@pytest.fixture
def watched(browser):
    one = Watched(browser)
    yield one
    one.page.close()


def test_the_report_of_a_long_run_renders_and_asks_for_nothing(watched, tmp_path):
    write_run(tmp_path, 10_000, classes=["a", "b"])
    write_report(tmp_path, Reporter())
    path = tmp_path / "report.html"
    assert path.stat().st_size < MOST_BYTES
    watched.page.goto(path.as_uri())
    charts = watched.charts()
    assert list(charts) == [
        "Running accuracy", "Running loss", "Draws of each layer", "Instructions of a step",
        "RAM in bytes", "Flash in bytes", "The arena over the stages",
    ]
    assert all(charts.values()), charts
    assert charts["Instructions of a step"] >= 6 and charts["RAM in bytes"] == 5
    assert watched.asked == [path.as_uri()] and watched.said == []
    assert 0.001 < watched.cpu_seconds < MOST_SECONDS
    table = watched.page.locator("details").first  # a picture is a table too
    assert not table.locator("table").is_visible()
    table.locator("summary").click()
    assert table.locator("td").last.inner_text() and table.locator("table").is_visible()


@pytest.mark.thorough
def test_the_live_page_grows_and_asks_for_itself_only(watched, tmp_path, monkeypatch):
    monkeypatch.setattr(live_view, "LEAST_SECONDS", 0.0)
    write_run(tmp_path, 50)
    record = json.loads((tmp_path / "run.json").read_text())
    (tmp_path / "run.json").write_text(json.dumps(record | {"status": "running"}))
    with LiveView(tmp_path) as view:
        watched.page.goto(view.url)
        assert "50 steps so far" in watched.page.locator(".status").inner_text()
        assert all(watched.charts().values())
        write_run(tmp_path / "more", 150)
        Path(tmp_path / "more/metrics.jsonl").rename(tmp_path / "metrics.jsonl")
        (tmp_path / "run.json").write_text(json.dumps(record))
        watched.page.locator("text=done, 10 steps").wait_for(timeout=20_000)  # by itself
        assert watched.page.locator("text=at every one of 150 steps").count() >= 1
        assert set(watched.asked) == {view.url} and watched.said == []
