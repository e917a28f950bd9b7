"""`dataclasses.dataclass` with methods that all classes share.

The standard one compiles six functions for each class, which for all classes of edgetune takes as
long as all else that a command imports.  Here it compiles ``__init__`` alone.
"""

from __future__ import annotations

import dataclasses
from functools import partial
from reprlib import recursive_repr
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
else:

    def dataclass(cls=None, /, *, frozen=False, eq=True):
        """The standard one's arguments of these names, and its meaning of them."""
        if cls is None:
            return partial(dataclass, frozen=frozen, eq=eq)
        methods = {"__repr__": _repr}
        methods |= {"__eq__": _eq, "__hash__": _hash if frozen else None} if eq else {}
        methods |= {"__setattr__": _set_once, "__delattr__": _delete} if frozen else {}
        for name, method in methods.items():
            if name not in cls.__dict__:
                setattr(cls, name, method)
        cls.__doc__ = cls.__doc__ or cls.__name__  # else a signature is worked out for it
        return dataclasses.dataclass(cls, repr=False, eq=False)


def _compared(self: Any) -> tuple:
    return tuple(getattr(self, f.name) for f in dataclasses.fields(self) if f.compare)


def _eq(self: Any, other: object) -> bool:
    return _compared(self) == _compared(other) if type(self) is type(other) else NotImplemented


def _hash(self: Any) -> int:
    return hash(_compared(self))


@recursive_repr()
def _repr(self: Any) -> str:
    shown = (f"{f.name}={getattr(self, f.name)!r}" for f in dataclasses.fields(self) if f.repr)
    return f"{type(self).__qualname__}({', '.join(shown)})"


def _set_once(self: Any, name: str, value: Any) -> None:
    """By ``__init__``; FrozenInstanceError afterwards."""
    if name in self.__dict__ or name not in self.__dataclass_fields__:
        raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")
    object.__setattr__(self, name, value)


def _delete(self: Any, name: str) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")
