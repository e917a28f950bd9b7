"""The update rules, one file each, by the name that ``--rule`` takes."""

from edgetune.learn.rules.adaptive import Adaptive
from edgetune.learn.rules.fixed import FixedRate
from edgetune.learn.rules.multinomial import Multinomial
from edgetune.learn.rules.multinomial_global import MultinomialGlobal
from edgetune.learn.rules.niti import Niti
from edgetune.learn.rules.rule import Gradient, Learning, Outcome, Rule
from edgetune.learn.rules.sgd import Sgd
from edgetune.learn.rules.sgd_nearest import SgdNearest
from edgetune.learn.rules.sgd_stochastic import SgdStochastic

RULES: dict[str, type[Rule]] = {rule.name: rule for rule in (
    FixedRate, Adaptive, Multinomial, MultinomialGlobal, SgdStochastic, SgdNearest, Niti,
)}

__all__ = [
    "RULES", "Adaptive", "FixedRate", "Gradient", "Learning", "Multinomial", "MultinomialGlobal",
    "Niti", "Outcome", "Rule", "Sgd", "SgdNearest", "SgdStochastic",
]
