"""What a run says of its line is the sum over all of its connections."""

from __future__ import annotations

import json

import pytest
from broken_runs import breaking, built_firmware, learn  # noqa: F401 - a fixture too

from edgetune.link.channel import Channel
from edgetune.link.errors import device_reset
from edgetune.session.checkpoint import added
from edgetune.session.run_folder import RunFolder
from edgetune.session.stream import Stream


def counted_lines(patch) -> list[Channel]:
    """All connections from now on."""
    made, begin = [], Channel.__init__

    def counted(channel, *given, **facts):
        begin(channel, *given, **facts)
        made.append(channel)

    patch.setattr(Channel, "__init__", counted)
    return made


def test_the_traffic_is_that_of_all_connections(firmware, tmp_path, monkeypatch):
    """A reset, then Ctrl-C, then the end in a resumed run: three connections, one sum."""
    made = counted_lines(monkeypatch)

    def fits(link: dict) -> bool:
        sums = {name: sum(one.traffic[name] for one in made) for name in made[0].traffic}
        return {name: link[name] for name in sums} == sums and link["connections"] == len(made)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        count = breaking(patch, 60, device_reset())
        patch.setattr(Stream, "_save_if_due", lambda stream: interrupt_at(count, 150))
        with RunFolder(tmp_path) as out:
            learn(firmware, out)
    assert len(made) == 2 and fits(json.loads((tmp_path / "run.json").read_text())["link"])
    with RunFolder(tmp_path, resumed=True) as out:
        result = learn(firmware, out)
    assert len(made) == 3 and fits(result.traffic)
    assert all(one.traffic["bytes_sent"] > 1000 for one in made)
    link = json.loads((tmp_path / "run.json").read_text())["link"]
    assert fits(link) and link["device_bad_frames"] == 0
    assert "over all connections" in (tmp_path / "report.html").read_text()


def interrupt_at(count: list[int], most: int) -> None:
    if count[0] >= most:
        raise KeyboardInterrupt


def test_counts_are_added_by_their_names():
    assert added({}, {"bytes_sent": 2}) == {"bytes_sent": 2}
    assert added({"bytes_sent": 2, "connections": 1}, {"connections": 1}) == {
        "bytes_sent": 2, "connections": 2,
    }
