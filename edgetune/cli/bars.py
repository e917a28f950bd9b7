"""rich's bar of progress with a line below it; apart, so that rich is loaded when it is drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from rich.console import RenderableType
from rich.progress import Progress
from rich.text import Text


class Bars(Progress):
    """``below`` gives the line, "" where there is none."""

    def __init__(self, below: Callable[[], str], *columns, **facts):
        self._below = below
        super().__init__(*columns, **facts)

    def get_renderables(self) -> Iterable[RenderableType]:
        yield from super().get_renderables()
        if line := self._below():
            yield Text(line, no_wrap=True, overflow="ellipsis")
