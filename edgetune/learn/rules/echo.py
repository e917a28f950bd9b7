"""The echo: how loud the class of one sample is in the prediction of the next one.

Steps that are too large leave the last sample's answer behind for all that follow, long before
accuracy shows it.  ``docs/numerics.md`` section 5.
"""

from __future__ import annotations

from edgetune.dataclass import dataclass
from edgetune.learn.fixedpoint import quotient
from edgetune.learn.words import signed

MOST = 4 << 16  # of a change of log2, and of what it comes to
MEMORY = 64  # samples of the mean
FLOOR = 1678  # 1e-4 in Q24
FIRST, LAST = 64, 512  # steps, eight for each sample that a change is spread over
HALVES = 0x40004000  # two means, Q15, of which 0 stands for a half
CLASS_MEMORY = 16  # samples of each


@dataclass
class Echo:
    """``log2``: what it takes off the gain, Q16, from -4 to 0.  ``mean``: of what is heard, Q24,
    and the number that ``count``; of two classes what is missing of each, Q15, its bit 14 turned.
    ``previous``: the class before, plus 1."""

    log2: int = signed()
    mean: int = 0
    count: int = 0
    previous: int = 0

    def turn_to(self, label: int) -> int | None:
        """The class of the sample before; None where there was none or the same one."""
        previous, self.previous = self.previous, label + 1
        return None if previous in (0, label + 1) else previous - 1

    def hear(self, heard: int, others: int, wanted: int, step: int) -> None:
        """Args, Q24:
            heard: p of the class before.
            others: its even share of what is missing.
            wanted: what it may be louder.
        """
        self.count = min(self.count + 1, MEMORY)
        self.mean += quotient(heard + wanted - self.mean, self.count)
        self._turn(wanted - heard + others, self.mean, step)

    def hear_other(
        self, label: int, changed: bool, missing: int, shortfall: int, step: int
    ) -> None:
        """Of two classes the other one has all that is missing, and the echo is how much more that
        is where the class has changed than it is of that class as a rule.

        Args, Q24:
            changed: whether the sample before was of the other class.
            missing: of the class ``label``.
            shortfall: the mean of the samples before.
        """
        shift, means = 16 * label, self.mean ^ HALVES
        mean = (means >> shift) & 0xFFFF
        if changed:
            usual = mean << 9
            wanted = (5 * shortfall * usual) >> 27
            self._turn(wanted + usual - missing, usual + wanted, step)
        counted = mean + quotient((missing >> 9) - mean, CLASS_MEMORY)
        self.mean = (means & ~(0xFFFF << shift) | counted << shift) ^ HALVES

    def _turn(self, wanting: int, usual: int, step: int) -> None:
        """Args, Q24:
            wanting: by how much the class before is quieter than it may be.
            usual: what that is measured by.
        """
        change = _within(quotient(wanting << 16, usual + FLOOR), -MOST, MOST)
        spread = min(step + FIRST, LAST)
        self.log2 = _within(self.log2 + quotient(8 * change, spread), -MOST, 0)

    def times(self, goal: int) -> int:
        """``goal`` * 2**log2; between whole powers of two along the chord."""
        factor = ((2 << 16) - (-self.log2 & 0xFFFF)) >> (1 + (-self.log2 >> 16))
        return (goal * factor) >> 16


def _within(value: int, low: int, high: int) -> int:
    return min(max(value, low), high)
