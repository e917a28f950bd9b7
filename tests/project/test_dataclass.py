"""edgetune's dataclasses are the standard ones: what is shown, compared, hashed and refused."""

import copy
import dataclasses
import pickle
from dataclasses import field
from functools import cached_property

import numpy as np
import pytest

from edgetune.dataclass import dataclass as ours


def classes(dataclass) -> dict[str, type]:
    """The same ones by either decorator."""
    @dataclass(frozen=True)
    class Frozen:
        a: int
        b: list = field(default_factory=list, compare=False)
        c: str = field(default="c", repr=False)

        @cached_property
        def twice(self) -> int:
            return 2 * self.a

    @dataclass
    class Plain:
        a: int
        b: object = None

    @dataclass(eq=False)
    class Named(Plain):
        c: int = 3

        def __repr__(self) -> str:
            return "own"

    @dataclass(frozen=True)
    class Further(Frozen):
        """With more."""

        d: float = 0.5

    return {cls.__name__: cls for cls in (Frozen, Plain, Named, Further)}


def facts(cls: type) -> list:
    one, same, other = cls(1), cls(1), cls(2)
    hashed = None if cls.__hash__ is None else hash(one) == hash(same)
    return [
        repr(one), one == same, one == other, one == 1, hashed, copy.deepcopy(one) == one,
        [f.name for f in dataclasses.fields(cls)], repr(dataclasses.replace(one, a=5)),
        dataclasses.asdict(one), cls.__match_args__,
    ]


@pytest.mark.parametrize("name", classes(ours))
def test_they_are_as_the_standard_ones(name):
    assert facts(classes(ours)[name]) == facts(classes(dataclasses.dataclass)[name])


def test_what_is_frozen_stays():
    one = classes(ours)["Further"](1)
    assert one.twice == 2 and one.twice == 2
    for change in (
        lambda: setattr(one, "a", 2), lambda: setattr(one, "new", 2), lambda: delattr(one, "a"),
    ):
        with pytest.raises(dataclasses.FrozenInstanceError):
            change()
    assert one.a == 1


def test_values_that_compare_to_no_truth_are_the_same_as_themselves():
    array, plain = np.arange(3), classes(ours)["Plain"]
    assert plain(1, array) == plain(1, array)
    looped = plain(1)
    looped.b = looped
    assert "..." in repr(looped)


def test_they_are_pickled():
    assert pickle.loads(pickle.dumps(Kept(1, "x"))) == Kept(1, "x")


@ours(frozen=True)
class Kept:
    a: int
    b: str
