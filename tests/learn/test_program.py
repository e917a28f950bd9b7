"""What a Program promises to all that stands on it."""

import copy
from dataclasses import is_dataclass

import pytest
from branching import NETWORKS

from edgetune.learn import program as p
from edgetune.learn.lower import lower
from edgetune.model.read import read_tflite


def _subclasses(cls):
    return [cls, *(below for child in cls.__subclasses__() for below in _subclasses(child))]


@pytest.mark.parametrize("cls", [p.Program, p.Activation, *_subclasses(p.Layer)])
def test_programs_layers_and_activations_compare_by_identity(cls):
    assert is_dataclass(cls)
    assert cls.__eq__ is object.__eq__ and cls.__hash__ is object.__hash__


def test_a_twin_of_a_layer_is_not_among_the_layers():
    program = lower(read_tflite(NETWORKS["dense net"]().build()))
    assert len(set(program.layers)) == len(program.layers)
    for layer in program.layers:
        assert layer in program.layers
        assert copy.deepcopy(layer) not in program.layers
