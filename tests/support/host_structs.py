"""Described C structs (``edgetune/plan/c_data.py``) as this machine lays them out.

``plan/constants`` says what the firmware's structs hold; with pointers of this machine's width
the same descriptions serve the engine that is compiled for it.
"""

import ctypes
from collections.abc import Iterable
from functools import cache

from edgetune.plan.c_data import Array, CObject, CType, Pointer, Struct


@cache
def host_type(ctype: CType):
    """The ctypes type of a description."""
    if isinstance(ctype, Struct):
        fields = [(name, host_type(member)) for name, member in ctype.members]
        return type(ctype.name, (ctypes.Structure,), {"_fields_": fields})
    if isinstance(ctype, Array):
        return host_type(ctype.item) * ctype.count
    if isinstance(ctype, Pointer):
        return ctypes.c_void_p
    return getattr(ctypes, f"c_{ctype.name.removesuffix('_t')}")


def host_objects(constants: Iterable[CObject]) -> dict:
    """Name -> ctypes value of each constant.  An address may name a constant before it; all live
    as long as any of the values does."""
    objects: dict = {}
    for constant in constants:
        objects[constant.name] = _value(constant.ctype, constant.value, objects)
    for value in objects.values():
        value.kept = objects
    return objects


def _value(ctype: CType, value, objects: dict):
    if isinstance(ctype, Struct):
        items = value.values() if isinstance(value, dict) else value
        members = (member for _, member in ctype.members)
        return host_type(ctype)(*(_value(m, item, objects) for m, item in zip(members, items)))
    if isinstance(ctype, Array):
        return host_type(ctype)(*(_value(ctype.item, item, objects) for item in value))
    if isinstance(ctype, Pointer):
        return ctypes.addressof(objects[value.removeprefix("&")]) if value else None
    return int(value)
