"""How long a device takes to answer, measured: what is lost in silence is asked for soon."""

from __future__ import annotations

DEVIATIONS = 4  # above the mean, as RFC 6298 waits


class RoundTrips:
    """Mean and deviation of the answers to each kind of request, by RFC 6298.

    Args:
        first: seconds of silence that a kind has which was never answered.
        least: seconds of silence that every kind has, since a busy computer reads late.
        most: seconds of silence that no kind has more of, once it was answered.
    """

    def __init__(self, first: float, least: float, most: float):
        self._first, self._least, self._most = first, least, most
        self._known: dict[int, tuple[float, float]] = {}

    def took(self, kind: int, seconds: float) -> None:
        """A request that was sent once, and not asked after, was answered after ``seconds``."""
        mean, deviation = self._known.get(kind, (seconds, seconds))
        deviation += (abs(seconds - mean) - deviation) / 4
        self._known[kind] = mean + (seconds - mean) / 8, deviation

    def pause(self, kind: int) -> float:
        """Seconds of silence after which an answer is probably lost."""
        if kind not in self._known:
            return self._first
        mean, deviation = self._known[kind]
        return min(max(mean + DEVIATIONS * deviation, self._least), self._most)
