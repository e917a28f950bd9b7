"""Text of C definitions."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import Any

import numpy as np

from edgetune.plan.c_data import Array, CObject, CType, Pointer, Struct
from edgetune.printable import one_line

COLUMNS = 96
INLINE = 78  # columns of a struct that stays on the line of its member


def numbers(values: np.ndarray, indent: str = "    ") -> str:
    """Comma-separated integers, wrapped at ``COLUMNS``."""
    lines, line = [], indent
    for value in np.asarray(values).reshape(-1).tolist():
        word = f"{value}, "
        if len(line) + len(word) > COLUMNS:
            lines.append(line.rstrip())
            line = indent
        line += word
    return "\n".join([*lines, line.rstrip().rstrip(",")])


def comment(text: str) -> str:
    """``text`` for the inside of a comment: one printable line that does not end it."""
    return one_line(text).replace("*/", "* /")


def declarator(ctype: CType, name: str) -> str:
    """``name`` as C declares it with its type: "int8_t name[4]", "et_pad name"."""
    if isinstance(ctype, Array):
        return declarator(ctype.item, f"{name}[{ctype.count}]")
    if isinstance(ctype, Pointer):
        return f"{ctype.name}{name}"
    return f"{ctype.name} {name}"


def definitions(objects: Iterable[CObject], storage: str = "static const") -> str:
    """The definitions of ``objects``, one after another."""
    return "".join(definition(constant, storage) for constant in objects)


def definition(constant: CObject, storage: str = "static const") -> str:
    """One constant with its value and, before it, its note."""
    note = f"/* {constant.note} */\n" if constant.note else ""
    body = _body(constant.ctype, constant.value)
    return f"{note}{storage} {declarator(constant.ctype, constant.name)} = {{\n{body}}};\n"


def _body(ctype: CType, value: Any) -> str:
    """The lines between the outermost braces."""
    if isinstance(ctype, Struct):
        return _members(value, "    ")
    if isinstance(ctype, Array) and isinstance(ctype.item, Struct):
        return "".join(_row(ctype.item, row) for row in value)
    return f"{numbers(value)}\n"


def _members(value: dict, indent: str) -> str:
    return "".join(f"{indent}.{key} = {_value(item, indent)},\n" for key, item in value.items())


def _value(value: Any, indent: str) -> str:
    line = _inline(value)
    if isinstance(value, dict) and len(line) > INLINE:
        return f"{{\n{_members(value, indent + '    ')}{indent}}}"
    return line


def _inline(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f".{key} = {_inline(item)}" for key, item in value.items()) + "}"
    if isinstance(value, (tuple, list)):
        return "{" + ", ".join(_inline(item) for item in value) + "}"
    return str(value)


def _row(ctype: Struct, row: dict) -> str:
    """One struct of a table: numbers three to a line, all else on its own."""
    others = {name for name, member in ctype.members if isinstance(member, (Pointer, Struct))}
    lines = []
    for alone, names in groupby(row, others.__contains__):
        words, step = [f".{name} = {_inline(row[name])}" for name in names], 1 if alone else 3
        lines += [", ".join(words[i : i + step]) for i in range(0, len(words), step)]
    return "    {" + ",\n     ".join(lines) + "},\n"
