"""Whether two files hold the same model: each kind of difference counts."""

import copy
from dataclasses import replace

import numpy as np
import pytest
from thinned import thinned
from tiny_tflite import ModelBuilder

from edgetune.model.compare import same_but_for, users_of
from edgetune.model.read import read_tflite

TRAINED = [(2, 1), (2, 2)]  # the dense layer


def network() -> ModelBuilder:
    model = ModelBuilder((1, 4, 4, 2), seed=2).conv(3, 3)
    return model.mean().dense(4).join("ADD", model.constant(np.ones(4))).softmax()


def graph_of(change=lambda graph: None):
    graph = copy.deepcopy(read_tflite(network().build()))
    for tensor in graph.tensors:
        tensor.data = None if tensor.data is None else tensor.data.copy()
    change(graph)
    return graph


def tensor(graph, operator, number):
    return graph.tensors[graph.operators[operator].inputs[number]]


def other_data(operator, number):
    def change(graph):
        tensor(graph, operator, number).data[...] ^= 1

    return change


def other_scale(operator, number):
    def change(graph):
        tensor(graph, operator, number).quantization.scale[0] *= 1.01

    return change


def other_option(graph):
    graph.operators[0].options["stride_h"] = 2


def other_kind(graph):
    graph.operators[3].kind = "SUB"


def other_wiring(graph):
    graph.operators[3].inputs = graph.operators[3].inputs[::-1]


def other_weights_type(graph):
    """Weights of another layer in the place of the trained ones."""
    graph.operators[2].inputs = graph.operators[0].inputs[1], *graph.operators[2].inputs[1:]


def another_note(graph):
    graph.metadata = {"note": b"other"}


def fewer_operators(graph):
    del graph.operators[-1]


def fewer_tensors(graph):
    del graph.tensors[-1]


def other_output(graph):
    graph.outputs = graph.operators[0].outputs


def weights_exchanged(graph):
    """The trained weights in a tensor of their own with another scale."""
    own = copy.deepcopy(tensor(graph, 2, 1))
    own.index = len(graph.tensors)
    own.quantization = replace(own.quantization, scale=own.quantization.scale * 2)
    graph.tensors.append(own)
    operator = graph.operators[2]
    operator.inputs = operator.inputs[0], own.index, operator.inputs[2]


def bias_removed(graph):
    graph.operators[2].inputs = *graph.operators[2].inputs[:2], -1


def other_name(graph):
    graph.tensors[1].name = "other"


@pytest.mark.parametrize("change", [other_data(2, 1), other_data(2, 2)])
def test_trained_values_may_differ(change):
    assert same_but_for(graph_of(), graph_of(change), TRAINED)
    assert not same_but_for(graph_of(), graph_of(change), [])


@pytest.mark.parametrize("change", thinned([
    other_data(0, 1), other_data(0, 2), other_data(3, 1), other_scale(2, 1), other_scale(2, 2),
    other_scale(4, 0), other_option, other_kind, other_wiring, other_weights_type, another_note,
    fewer_operators, fewer_tensors, other_output, weights_exchanged, bias_removed, other_name,
], 6))  # fmt: skip
def test_nothing_else_may(change):
    assert not same_but_for(graph_of(), graph_of(change), TRAINED)


def test_what_an_untrained_layer_reads_too_may_not():
    def shared(graph):
        graph.operators[0].inputs = *graph.operators[0].inputs[:2], graph.operators[2].inputs[2]

    def trained(graph):
        shared(graph)
        other_data(2, 2)(graph)

    assert same_but_for(graph_of(shared), graph_of(shared), TRAINED)
    assert not same_but_for(graph_of(shared), graph_of(trained), TRAINED)
    assert same_but_for(graph_of(shared), graph_of(trained), [*TRAINED, (0, 2)])


def test_users_are_operators_and_the_graphs_ends():
    graph = graph_of()
    users = users_of(graph)
    assert users[graph.operators[2].inputs[1]] == {(2, 1)}
    assert users[graph.outputs[0]] == {(-1, 0)}
