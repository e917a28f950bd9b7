"""Writes the text of a board.toml."""

from __future__ import annotations

import json

_HEXADECIMAL = ("base", "register", "mask", "origin", "length", "family", "accelerator", "caches",
                "address", "value")


def board_text(head: list[str], data: dict) -> str:
    """``data`` as TOML below the comment ``head``; None is left out.

    Values are strings, numbers, booleans and lists of them; tables and lists of tables.
    """
    lines = [f"# {line}" for line in head]
    plain = {key: value for key, value in data.items() if not _is_table(value)}
    lines += _pairs(plain)
    for key, value in data.items():
        if isinstance(value, dict):
            lines += _table(key, value)
        elif _is_table(value):
            for one in value:
                lines += ["", f"[[{key}]]", *_pairs(one)]
    return "\n".join(lines) + "\n"


def _table(name: str, table: dict) -> list[str]:
    inner = {key: value for key, value in table.items() if isinstance(value, dict)}
    own = {key: value for key, value in table.items() if key not in inner}
    lines = ["", f"[{name}]", *_pairs(own)] if own or not inner else []
    for key, value in inner.items():
        lines += _table(f"{name}.{key}", value)
    return lines


def _is_table(value: object) -> bool:
    many = isinstance(value, list) and value and isinstance(value[0], dict)
    return isinstance(value, dict) or bool(many)


def _pairs(table: dict) -> list[str]:
    return [f"{key} = {_value(key, value)}" for key, value in table.items() if value is not None]


def _value(key: str, value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        digits = 8 if value > 0xFFFFFF else 1
        return f"0x{value:0{digits}X}" if key.endswith(_HEXADECIMAL) else str(value)
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(_value(key, one) for one in value)}]"
    return json.dumps(str(value), ensure_ascii=False)
