"""The structs as they are described are those of the engine's headers."""

import re
from importlib import import_module
from pkgutil import iter_modules

import pytest
from arm_objects import claim, refusals
from emulators import needs_gcc
from thinned import thinned

from edgetune.codegen.c_text import declarator
from edgetune.learn.rules.adaptive import AdaptiveLayer, AdaptiveNetwork
from edgetune.learn.rules.multinomial import MultinomialLayer
from edgetune.learn.rules.multinomial_global import (
    MultinomialGlobalLayer,
    MultinomialGlobalNetwork,
)
from edgetune.learn.rules.null_mass import NullMass
from edgetune.learn.scaled import ScaledWords
from edgetune.learn.state import LEARNER, fields
from edgetune.learn.words import words_type
from edgetune.plan import constants
from edgetune.plan.c_data import Struct
from edgetune.resources import resource_path

ROOMS = [
    import_module(f"{constants.__name__}.{room.name}") for room in iter_modules(constants.__path__)
]
STRUCTS = list({
    value.name: value for room in ROOMS for value in vars(room).values()
    if isinstance(value, Struct)
}.values())
HEADERS = (
    "operators.h", "losses.h", "learner.h", "null_mass.h", "scaled.h", "fixed_rate.h", "adaptive.h",
    "update.h", "update_blocks.h", "multinomial.h", "multinomial_global.h", "sgd.h", "niti.h",
)
INCLUDES = "#include <stddef.h>\n" + "".join(f'#include "{name}"\n' for name in HEADERS)
NOT_CONSTANT = {"et_clip", "et_join", "et_learner", "et_null_mass",
                "et_adaptive_layer", "et_adaptive_network", "et_multinomial_layer",
                "et_multinomial_global_layer", "et_multinomial_global_network", "et_sgd_scale"}


def header_members():
    """Struct -> its members' names, as the headers have them."""
    text = "".join((resource_path("firmware") / "engine" / name).read_text() for name in HEADERS)
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    return {
        name: re.findall(r"(\w+)(?:\[\w+\])?\s*[,;]", body)
        for body, name in re.findall(r"typedef struct \{(.*?)\} (\w+);", text, re.DOTALL)
    }


@pytest.mark.parametrize("described", thinned(STRUCTS, 13), ids=lambda described: described.name)
def test_members_have_the_headers_names_in_its_order(described):
    assert header_members()[described.name] == list(described.offsets)


def test_every_struct_of_constants_is_described():
    assert {described.name for described in STRUCTS} == set(header_members()) - NOT_CONSTANT


@needs_gcc
@pytest.mark.parametrize("described", thinned(STRUCTS, 4), ids=lambda described: described.name)
def test_size_offsets_and_types_are_the_compilers(tmp_path, described):
    name = described.name
    text = INCLUDES + claim(f"sizeof({name}) == {described.size}")
    text += claim(f"__alignof__({name}) == {described.alignment}")
    for member, ctype in described.members:
        own_type = f"__typeof__((({name} *)0)->{member})"
        text += claim(f"offsetof({name}, {member}) == {described.offsets[member]}")
        text += claim(f"sizeof({own_type}) == {ctype.size}")
        text += f"typedef {declarator(ctype, f'described_{member}')};\n"
        text += claim(f"__builtin_types_compatible_p({own_type}, described_{member})")
    assert refusals(tmp_path, text) == ""


@needs_gcc
@pytest.mark.parametrize("ctype, words", [
    ("et_learner", LEARNER), ("et_null_mass", words_type(NullMass)),
    ("et_scaled", words_type(ScaledWords)), ("et_adaptive_layer", words_type(AdaptiveLayer)),
    ("et_adaptive_network", words_type(AdaptiveNetwork)),
    ("et_multinomial_layer", words_type(MultinomialLayer)),
    ("et_multinomial_global_layer", words_type(MultinomialGlobalLayer)),
    ("et_multinomial_global_network", words_type(MultinomialGlobalNetwork)),
])
def test_records_of_the_state_are_the_compilers(tmp_path, ctype, words):
    assert header_members()[ctype] == list(words.names)
    text = INCLUDES + claim(f"sizeof({ctype}) == {words.itemsize}")
    for field in fields(words):
        text += claim(f"offsetof({ctype}, {field.path}) == {field.offset}")
        described = f"described_{field.path}".replace(".", "_")
        text += f"typedef {field.dtype.name}_t {described}"
        text += f"[{field.count}];\n" if field.count > 1 else ";\n"
        own_type = f"__typeof__((({ctype} *)0)->{field.path})"
        text += claim(f"__builtin_types_compatible_p({own_type}, {described})")
    assert refusals(tmp_path, text) == ""


@needs_gcc
def test_a_claim_that_is_false_is_seen(tmp_path):
    assert "sizeof(et_pad) == 24" in refusals(tmp_path, INCLUDES + claim("sizeof(et_pad) == 24"))
