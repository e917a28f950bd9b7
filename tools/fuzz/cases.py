"""The list of cases: every truncation of the truncated model, then mutations, by number."""

from __future__ import annotations

from functools import lru_cache
from random import Random

from tools.fuzz.mutate import Mutator
from tools.fuzz.places import places
from tools.fuzz.seeds import seed_model

TRUNCATED = ("dense", "float_autoencoder")  # models of which every truncation is tried


class Cases:
    """Broken files by number, the same for the same ``seed``.

    Args:
        models: names of the models to break, in turn.
        truncated: names of those of which every truncation comes first.
    """

    def __init__(self, seed: int, models: list[str], truncated: tuple[str, ...] = ()):
        self.seed, self.models = seed, models
        self.cut = [(name, n) for name in truncated for n in range(len(seed_model(name)))]

    def content(self, number: int) -> bytes:
        """The broken file ``number``."""
        if number < len(self.cut):
            name, length = self.cut[number]
            return seed_model(name)[:length]
        return _mutator(self.model(number)).broken(Random(f"{self.seed} {number}"))

    def model(self, number: int) -> str:
        """Which model it is made from."""
        if number < len(self.cut):
            return self.cut[number][0]
        return self.models[number % len(self.models)]


@lru_cache(maxsize=None)
def _mutator(name: str) -> Mutator:
    content = seed_model(name)
    return Mutator(content, places(content))
