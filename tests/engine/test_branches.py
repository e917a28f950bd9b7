"""Models with branches: numpy against tflite-runtime's reference kernels, byte for byte; and which
of their layers train."""

import pytest
from branching import NETWORKS
from operator_examples import EXAMPLES
from reference_bytes import check
from thinned import thinned
from tiny_tflite import ModelBuilder

from edgetune.errors import UsageError
from edgetune.learn.lower import lower
from edgetune.learn.recipe import Recipe
from edgetune.model.kinds import KINDS
from edgetune.model.read import read_tflite


@pytest.mark.parametrize("network", thinned(NETWORKS, 4))
def test_networks(network):
    check(NETWORKS[network]())


# SOFTMAX is test_forward.py's; ELU has no reference kernel, and others round convolutions once
@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"SOFTMAX", "ELU"}))
def test_an_example_of_every_kind(kind):
    check(EXAMPLES[kind](ModelBuilder((1, 6, 6, 2), 1 / 40, -9, seed=3).conv(4, 3)))


def test_what_the_output_does_not_need_is_left_out():
    b = ModelBuilder((1, 7, 7, 3), seed=9).conv(4, 3)
    kept = b.save()
    b.conv(9, 3).back_to(kept).mean().dense(3)
    program = lower(read_tflite(b.build()))
    assert [layer.name for layer in program.layers] == ["conv_2d_0", "mean_2", "fully_connected_3"]


def trained_by(builder, *layers) -> list[str]:
    program = lower(read_tflite(builder.build()))
    return [layer.name for layer in Recipe(layers).trained(program)]


@pytest.mark.parametrize("network", thinned(NETWORKS, 4))
def test_all_are_the_layers_with_weights(network):
    """Before a merge, behind a split, around a function."""
    builder = NETWORKS[network]()
    layers = lower(read_tflite(builder.build())).layers
    assert trained_by(builder, "all") == [layer.name for layer in layers if layer.weighted]


def test_a_layer_before_a_merge_trains_by_name():
    assert trained_by(NETWORKS["residual"](), "conv_2d_0") == ["conv_2d_0"]


def test_a_layer_that_does_not_exist_is_refused():
    with pytest.raises(UsageError) as caught:
        trained_by(NETWORKS["residual"](), "conv_2d_99")
    assert "conv_2d_0" in caught.value.cause and "last:K" in caught.value.next_step
