"""Small pieces of C text."""

from __future__ import annotations

import numpy as np

C_TYPES = {
    name: f"{name}_t" for name in ("int8", "int16", "int32", "uint16", "uint32")
}


def numbers(values, indent: str = "    ", width: int = 96) -> str:
    """Comma-separated integers, wrapped at ``width`` columns."""
    lines, line = [], indent
    for value in np.asarray(values).reshape(-1).tolist():
        word = f"{value}, "
        if len(line) + len(word) > width:
            lines.append(line.rstrip())
            line = indent
        line += word
    return "\n".join([*lines, line.rstrip().rstrip(",")])


def array(name: str, values: np.ndarray, storage: str = "static const") -> str:
    """Definition of a one-dimensional array, its type taken from the numpy array."""
    ctype = C_TYPES[values.dtype.name]
    return f"{storage} {ctype} {name}[{values.size}] = {{\n{numbers(values)}\n}};\n"


def struct(ctype: str, name: str, fields: dict) -> str:
    """Definition of a constant struct by designated initialisers; tuples become braces."""
    return f"static const {ctype} {name} = {{\n{_fields(fields, '    ')}}};\n"


def _fields(fields: dict, indent: str) -> str:
    return "".join(f"{indent}.{key} = {_value(value, indent)},\n" for key, value in fields.items())


def _value(value, indent: str) -> str:
    if isinstance(value, dict):
        line = "{" + ", ".join(f".{key} = {item}" for key, item in value.items()) + "}"
        if len(line) <= 78:
            return line
        return f"{{\n{_fields(value, indent + '    ')}{indent}}}"
    if isinstance(value, (tuple, list)):
        return "{" + ", ".join(str(item) for item in value) + "}"
    return str(value)
