"""A Python function that gives the data: arrays, or samples one after the other."""

from __future__ import annotations

import importlib
import importlib.util
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping

import numpy as np

from edgetune.data.raw_array import RawArray
from edgetune.data.several_inputs import joined_by_name
from edgetune.data.source import Request, Samples, Source
from edgetune.errors import DataError, EdgetuneError, UsageError

NAMED = re.compile(r"(?P<module>[\w.]+|.+\.py):(?P<function>\w+)")


def read(request: Request) -> Source:
    """Calls ``module:function`` or ``file.py:function`` without arguments.

    It returns the arrays ``(x, y)``, or anything that gives pairs of a sample and a label one
    after the other (a generator, a torch data set).  Pairs are put aside in a temporary file,
    so that they need not fit in memory.  Where no labels are needed samples alone do.  Of
    several inputs a sample, or ``x``, is a mapping from their names to arrays, or rows of all
    values.
    """
    function = _function(request.path)
    try:
        result = function()
        if isinstance(result, tuple) and len(result) == 2:
            x, y = _arrays(request, *result)
        else:
            x, y = _spool(_pairs(result), request)
    except EdgetuneError:
        raise
    except Exception as error:
        raise DataError(
            f"{request.path} failed.",
            f"{type(error).__name__}: {error}",
            "It takes no arguments and returns (x, y), or yields pairs of a sample and a label.",
        ) from error
    if x is None or not x.shape or not len(x):
        raise _nothing(request.path)
    return Source(x, y if request.takes_labels else None, request.path, request.path)


def _arrays(request: Request, x, y) -> tuple[Samples | None, np.ndarray | None]:
    """Arrays; of several inputs ``x`` may be a mapping of one each, by name."""
    y = None if y is None else np.asarray(y)
    if isinstance(x, Mapping) and request.several:
        return joined_by_name(x, request.inputs, request.path), y
    return (None if x is None else np.asarray(x)), y


def _function(path: str) -> Callable:
    found = NAMED.fullmatch(path)
    module, name = found["module"], found["function"]
    try:
        loaded = _load(module)
    except Exception as error:
        raise UsageError(
            f"{module} cannot be imported.",
            f"{type(error).__name__}: {error}",
            "Give a module that Python finds from here, or a file: --data loader.py:load.",
        ) from error
    function = getattr(loaded, name, None)
    if not callable(function):
        names = ", ".join(n for n in vars(loaded) if not n.startswith("_"))
        raise UsageError(
            f"{module} has no function {name}.", f"It has: {names}.", "Check the name."
        )
    return function


def _load(module: str):
    if module.endswith(".py"):
        spec = importlib.util.spec_from_file_location("edgetune_data_function", module)
        loaded = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(loaded)
        return loaded
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    return importlib.import_module(module)


def _pairs(result: Iterable) -> Iterator:
    """The pairs of an iterable, or of a data set that only knows its length and its items."""
    if hasattr(result, "__iter__"):
        return iter(result)
    return (result[i] for i in range(len(result)))


def _spool(pairs: Iterator, request: Request) -> tuple[RawArray, np.ndarray | None]:
    file, labels, first, name = tempfile.TemporaryFile(), [], None, request.path
    for number, pair in enumerate(pairs):
        alone = not request.needs_labels and not isinstance(pair, (tuple, list))
        x, y = (pair, None) if alone else pair
        if isinstance(x, Mapping) and request.several:
            row = {key: np.asarray(value)[None] for key, value in x.items()}
            x = joined_by_name(row, request.inputs, f"Sample {number} of {name}")[0]
        x = np.ascontiguousarray(x)
        first = x if first is None else first
        if (x.shape, x.dtype) != (first.shape, first.dtype):
            raise DataError(
                f"Sample {number} of {name} is {x.dtype} of shape {x.shape}; "
                f"the first is {first.dtype} of shape {first.shape}.",
                "All samples are of one type and shape.",
                "Correct the function.",
            )
        file.write(x.tobytes())
        labels.append(y)
    if first is None or first.dtype.hasobject:
        raise _nothing(name)
    file.flush()
    shape = (len(labels), *first.shape)
    unlabelled = all(label is None for label in labels)
    return RawArray(file, 0, first.dtype, shape, name), None if unlabelled else np.asarray(labels)


def _nothing(name: str) -> DataError:
    return DataError(
        f"{name} gives no samples.", "", "Return arrays (x, y), or yield pairs of numbers."
    )
