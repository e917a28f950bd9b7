"""What a model would be on a device, before there is data: for ``inspect``."""

from __future__ import annotations

import os

import numpy as np

from edgetune.dataclass import dataclass
from edgetune.errors import DataError, ModelError
from edgetune.model.constant_inputs import Constants
from edgetune.model.graph import Graph
from edgetune.model.outputs import Choice
from edgetune.model.read import read_tflite
from edgetune.quantize import Options, convert, load
from edgetune.session.conversion import read_int8

MADE_UP = 4  # samples
OPTIONS = Options(bias_correction=False)


@dataclass(frozen=True)
class Preview:
    """``graph``: the int8 model that a device would run; None where made-up samples do not bring
    the model into int8, which ``problem`` then says.  ``source``: the float Graph, of a float
    model.  Names and sizes are those of any conversion; scales are real only without ``source``.
    """

    graph: Graph | None
    source: Graph | None = None
    problem: ModelError | DataError | None = None


def preview(
    model: str | os.PathLike, output: Choice = None, inputs: Constants = ()
) -> Preview:
    """Reads a model of any kind; a float one is converted in memory by made-up samples.

    Args:
        output: of a model with several outputs the one that counts, its name or number.
        inputs: those that are constants (``model.constant_inputs``).

    Raises:
        ModelError: the file cannot be read, or holds what cannot be converted or run; or it has
            several outputs and none is named.
        UsageError: there is no such output, or one of ``inputs`` does not suit the model.
        ToolchainError: the extra that reads such files is not installed.
    """
    found = load(model, output, inputs)
    if not isinstance(found, Graph):
        return Preview(read_int8(model, output, inputs))
    samples = np.random.default_rng(0).random((MADE_UP, *found.input.shape[1:]), np.float32)
    try:
        return Preview(read_tflite(convert(found, samples, OPTIONS).content), found)
    except (ModelError, DataError) as error:
        return Preview(None, found, error)
