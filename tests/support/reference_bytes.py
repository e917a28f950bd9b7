"""numpy against tflite-runtime's reference kernels, and what is refused."""

import numpy as np
import pytest
from tflite_runs import run_in_tflite
from tiny_tflite import ModelBuilder

from edgetune.errors import ModelError
from edgetune.learn.learner import Learner
from edgetune.learn.lower import lower
from edgetune.learn.program import Program
from edgetune.learn.recipe import Recipe
from edgetune.model.read import read_tflite

RUN_ONLY = Recipe(layers=("none",))


def check(builder: ModelBuilder, count=20, spread=20) -> Program:
    """Of ``count`` inputs, whose outputs take more than ``spread`` values; the model lowered."""
    content = builder.build()
    inputs = builder.random_inputs(count, seed=1)
    theirs = run_in_tflite(content, inputs)[0].reshape(len(inputs), -1)
    program = lower(read_tflite(content))
    learner = Learner(program, RUN_ONLY)
    ours = np.array([learner.forward(x) for x in inputs])
    np.testing.assert_array_equal(ours, theirs)
    assert np.ptp(theirs.astype(int)) > spread
    return program


def refused(builder: ModelBuilder) -> str:
    """Why."""
    with pytest.raises(ModelError) as caught:
        read_tflite(builder.build())
    return caught.value.cause
