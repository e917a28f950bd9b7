"""Activations whose first dimension counts other things than samples, in float."""

import numpy as np
import pytest
from float_builder import FloatBuilder

from edgetune.floats.batches import lay_flat
from edgetune.floats.engine import FloatEngine
from edgetune.floats.graph import check_float_graph
from edgetune.model.rewrite import Rewriter

STEPS, WIDTH, CHANNELS = 3, 4, 2


def by_steps(axis):
    """Of [1, steps, width, channels] the steps in front, cut apart, and together in another
    order along ``axis``."""
    b = FloatBuilder((1, STEPS, WIDTH, CHANNELS))
    front = b.add("TRANSPOSE", b.input, np.array([1, 2, 0, 3], np.int32))  # [3, 4, 1, 2]
    steps = [
        b.add("SLICE", front, np.array([i, 0, 0, 0], np.int32),
              np.array([1, WIDTH, 1, CHANNELS], np.int32))
        for i in range(STEPS)
    ]
    together = b.concat(steps[::-1], axis=axis)
    return b, b.reshape(together, (1, STEPS * WIDTH * CHANNELS))


def expected(x, axis):
    steps = x[:, :, :, None]  # samples, steps, width, 1, channels
    return np.concatenate([steps[:, i : i + 1] for i in (2, 1, 0)], axis=axis + 1)


@pytest.mark.parametrize("axis", [0, 1, 2, 3])
def test_moves_and_joins_of_steps_are_written_for_flat_rows(axis):
    b, output = by_steps(axis)
    rewriter = Rewriter(b.graph(output))
    lay_flat(rewriter)
    graph = rewriter.graph()
    check_float_graph(graph)
    x = b.samples(4)
    np.testing.assert_array_equal(
        FloatEngine(graph).run(x).reshape(4, -1), expected(x, axis).reshape(4, -1)
    )


@pytest.mark.parametrize("axis", [0, 1, 2, 3])
def test_joins_of_whole_sequences_keep_the_order(axis):
    b = FloatBuilder((1, STEPS, WIDTH, CHANNELS))
    front = b.add("TRANSPOSE", b.input, np.array([1, 2, 0, 3], np.int32))
    constant = np.arange(STEPS * WIDTH * CHANNELS, dtype=np.float32).reshape(b.shape(front))
    joined = b.concat([front, constant], axis=axis)
    rewriter = Rewriter(b.graph(b.reshape(joined, (1, 2 * constant.size))))
    lay_flat(rewriter)
    graph = rewriter.graph()
    check_float_graph(graph)
    x = b.samples(4)
    wanted = [np.concatenate([one[:, :, None], constant], axis=axis).reshape(-1) for one in x]
    np.testing.assert_array_equal(FloatEngine(graph).run(x), wanted)


def test_other_readers_are_left_alone():
    b = FloatBuilder((1, STEPS, WIDTH, CHANNELS))
    front = b.add("TRANSPOSE", b.input, np.array([1, 2, 0, 3], np.int32))
    rewriter = Rewriter(b.graph(b.add("ABS", front)))
    lay_flat(rewriter)
    assert rewriter.shape(front) == (STEPS, WIDTH, 1, CHANNELS)
