"""The update rules, one file each, by the name that ``--rule`` takes."""

from edgetune.learn.rules.adaptive import Adaptive
from edgetune.learn.rules.fixed import FixedRate
from edgetune.learn.rules.rule import Gradient, Learning, Outcome, Rule

RULES: dict[str, type[Rule]] = {rule.name: rule for rule in (FixedRate, Adaptive)}

__all__ = ["RULES", "Adaptive", "FixedRate", "Gradient", "Learning", "Outcome", "Rule"]
