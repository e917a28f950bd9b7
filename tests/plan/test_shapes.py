"""What kernels may leave out, of graphs whose shapes are plain to see."""

import pytest
from hand_graph import HandGraph

from edgetune.boards import load_board
from edgetune.learn.recipe import BIASES, Recipe
from edgetune.plan.plan import make_plan
from edgetune.plan.shapes import shape_defines

FOURS, FLAT = "ET_WHOLE_FOURS", "ET_FLAT_CONVOLUTIONS"


def defined(*convolutions, classes=4, channels=8, layers=Recipe.layers) -> set[str]:
    """The macros of a network of ``convolutions``, (rows, kernel, options) each."""
    g = HandGraph((1, 6, 6, channels))
    y = g.input
    for rows, kernel, options in convolutions:
        y = g.conv(y, rows, kernel, **options)
    graph = g.graph(g.softmax(g.dense(y, classes)))
    return set(shape_defines(make_plan(graph, Recipe(layers), load_board("mps2-an386"))))


@pytest.mark.parametrize("convolution, found", [
    ((8, (1, 1), {}), {FOURS, FLAT}), ((8, (3, 3), {}), {FOURS}), ((6, (1, 1), {}), {FLAT}),
    ((8, (1, 1), {"stride": (2, 2)}), {FOURS}),
])
def test_a_convolution_that_errors_pass_is_flat_and_of_fours(convolution, found):
    assert defined((4, (1, 1), {}), convolution) == found


def test_a_first_layer_of_few_channels_has_windows_that_are_copied():
    """Errors end there; 2 * 2 * 1 weights are a four, 3 * 3 * 1 are not."""
    assert defined((4, (2, 2), {}), (8, (1, 1), {}), channels=1) == {FOURS, FLAT}
    assert defined((4, (3, 3), {}), (8, (1, 1), {}), channels=1) == {FLAT}
    assert defined((4, (2, 2), {}), (8, (1, 1), {}), channels=4) == {FOURS}


def test_errors_pass_through_windows_of_any_channels():
    assert defined((6, (1, 1), {}), (8, (3, 3), {})) == set()


def test_rows_of_a_dense_layer_count():
    assert defined((4, (1, 1), {}), (8, (1, 1), {}), classes=5) == {FLAT}


def test_only_errors_need_windows_of_few_channels():
    """Of 3 channels, whose windows hold 4 * 1 * 3 values."""
    layers = (4, (4, 1), {}), (8, (1, 1), {})
    assert defined(*layers, channels=3) == {FOURS, FLAT}


WINDOW, FLAT_ONE = (8, (3, 3), {}), (8, (1, 1), {})


@pytest.mark.parametrize("layers, found", [
    (("last",), {FOURS, FLAT}), (("last:2",), {FOURS, FLAT}), (("last:3",), {FOURS}),
    (BIASES, {FOURS, FLAT}), (("none",), {FOURS, FLAT}),
])
def test_a_frozen_convolution_that_no_error_passes_may_have_a_window(layers, found):
    assert defined(WINDOW, FLAT_ONE, layers=layers) == found


def test_errors_pass_windows_to_the_biases_below():
    assert defined(FLAT_ONE, WINDOW, layers=BIASES) == {FOURS}
