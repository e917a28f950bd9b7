"""How good a model is: the measures that people use for each kind of targets."""

from edgetune.measures.evaluate import evaluate
from edgetune.measures.measure import Measure

__all__ = ["Measure", "evaluate"]
