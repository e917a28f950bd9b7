"""The classes and enumerations of TFLite's schema, each imported when it is first asked for.

The package tflite imports all of its 160 modules, which takes as long as a plan; a file's tables
need a dozen of them.  These are taken from it one by one, under their own names, so that whoever
imports the package as well gets the same classes.
"""

from __future__ import annotations

import importlib
import sys
from importlib.util import find_spec, module_from_spec
from types import ModuleType
from typing import Any

_PACKAGE = "tflite"
# What tables import themselves, once they are asked for their parts: the whole package, were these
# not there.
_PARTS = (
    "Buffer", "Metadata", "Operator", "OperatorCode", "QuantizationParameters", "SignatureDef",
    "SubGraph", "Tensor", "TensorMap", "utils",
)


def __getattr__(name: str) -> Any:
    """The class ``name``, as the package has it."""
    if name.startswith("__"):
        raise AttributeError(name)
    return getattr(module_of(name), name)


def module_of(name: str) -> ModuleType:
    """What stands in the schema's file ``name``: a class, and the functions that write its table.

    Raises:
        ImportError: there is no such file.
    """
    full = f"{_PACKAGE}.{name}"
    if full in sys.modules:
        return sys.modules[full]
    if _PACKAGE in sys.modules or (spec := find_spec(_PACKAGE)) is None:
        return importlib.import_module(full)
    sys.modules[_PACKAGE] = module_from_spec(spec)  # its place, but none of its code
    try:
        for part in _PARTS:
            importlib.import_module(f"{_PACKAGE}.{part}")
        return importlib.import_module(full)
    finally:
        del sys.modules[_PACKAGE]


OPERATORS: dict[int, str] = module_of("utils").BUILTIN_OPCODE2NAME  # by their numbers
