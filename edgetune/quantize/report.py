"""What a conversion cost, layer by layer."""

from __future__ import annotations

from dataclasses import asdict, field

import numpy as np

from edgetune.dataclass import dataclass
from edgetune.floats.engine import FloatEngine
from edgetune.model.decode import quoted
from edgetune.model.decoding import left_to_firmware
from edgetune.model.graph import Graph, Quantization
from edgetune.quantize.calibration import Calibration
from edgetune.quantize.ranges import clipped_share
from edgetune.quantize.scales import softmax_inputs
from edgetune.quantize.simulation import Simulation

BATCH = 16
CUT = (
    "Before a SOFTMAX the lowest values are cut on purpose and not counted as clipped: so far "
    "below the largest, their probability is none in int8 either way."
)


@dataclass(frozen=True)
class LayerReport:
    """One activation: the input's or an operator's output.

    ``low``, ``high``: extremes seen in calibration; ``range_low``, ``range_high``: what int8
    covers (real values, as ``scale``); ``clipped``: share of values outside it, 0..1;
    ``sqnr_db``: energy of the float values over that of their difference to int8's, all layers
    before included, in decibels (None where there is no difference, or no signal).  For what
    only a SOFTMAX reads neither counts values below the range: their probability is zero.
    """

    kind: str
    tensor: str
    low: float
    high: float
    range_low: float
    range_high: float
    scale: float
    zero_point: int
    clipped: float
    sqnr_db: float | None


@dataclass(frozen=True)
class Accuracy:
    """Float against int8 on ``samples`` labelled samples; all three are shares, 0..1.

    ``float_accuracy`` is that of the file itself, where it is quantised and tflite-runtime runs it;
    ``original`` says of which: "in float" or "as the file itself".
    ``agreement``: how often the predictions are the same.  ``by``: what ran the int8 model,
    "tflite-runtime" or "simulation".  ``no_judge``: why tflite-runtime did not, where it is
    installed.
    """

    samples: int
    float_accuracy: float
    int8_accuracy: float
    agreement: float
    by: str
    no_judge: str = ""
    original: str = "in float"


@dataclass
class Report:
    """``converted`` is False for a file that was int8 already; it then has no layers.

    ``agreement``: of a quantised file, on what share of the calibration samples the int8 file
    predicts what the file itself does, run by tflite-runtime, 0..1; else None.
    ``left_out``: names of the model's other outputs, which the int8 file has not; ``decoding``:
    kinds of operators at the end, which it has not either.
    """

    converted: bool
    samples: int = 0
    options: dict = field(default_factory=dict)
    layers: list[LayerReport] = field(default_factory=list)
    accuracy: Accuracy | None = None
    agreement: float | None = None
    warnings: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    decoding: list[str] = field(default_factory=list)

    @property
    def outputs(self) -> str:
        """The sentences about what is left out; "" where nothing is."""
        names = ", ".join(map(quoted, self.left_out))
        said = [f"Only what the chosen output needs is converted; left out: {names}."] * bool(names)
        return " ".join(said + [left_to_firmware(self.decoding)] * bool(self.decoding))

    @property
    def notes(self) -> list[str]:
        """What would be misread in the table of layers."""
        cut = any(row.clipped == 0 and row.low < row.range_low - row.scale for row in self.layers)
        return [CUT] if cut else []

    def as_dict(self) -> dict:
        return asdict(self)


def describe_layers(
    graph: Graph,
    scales: dict[int, Quantization],
    calibration: Calibration,
    simulation: Simulation,
) -> list[LayerReport]:
    """A row for each input and for every operator, in order."""
    floors = {i: _low(scales[i]) for i in softmax_inputs(graph)}
    ratios = signal_to_noise(graph, simulation, calibration.kept, floors)
    places = [("INPUT", index) for index in graph.inputs]
    places += [(op.kind, op.outputs[0]) for op in graph.operators]
    rows = []
    for kind, index in places:
        q, seen = scales[index], calibration.histograms[index]
        scale, zero_point = float(q.scale[0]), int(q.zero_point[0])
        rows.append(LayerReport(
            kind, graph.tensors[index].name, seen.low, seen.high,
            _low(q), (127 - zero_point) * scale, scale, zero_point,
            clipped_share(seen, q, low_too=index not in floors), ratios[index],
        ))
    return rows


def _low(q: Quantization) -> float:
    """The lowest value that int8 covers."""
    return (-128 - int(q.zero_point[0])) * float(q.scale[0])


def signal_to_noise(
    graph: Graph, simulation: Simulation, samples: np.ndarray, floors: dict[int, float]
) -> dict[int, float | None]:
    """Signal-to-noise ratio of every activation in decibels, by tensor index.

    Args:
        floors: values by tensor index below which a tensor's values are all the same.
    """
    engine = FloatEngine(graph)
    signal: dict[int, float] = {}
    noise: dict[int, float] = {}
    for at in range(0, len(samples), BATCH):
        batch = samples[at : at + BATCH]
        exact = engine.activations(batch)
        exact |= {i: np.maximum(exact[i], low) for i, low in floors.items() if i in exact}

        def compare(index: int, value: np.ndarray, exact: dict = exact) -> np.ndarray:
            difference = value - exact[index]
            signal[index] = signal.get(index, 0.0) + _energy(exact[index])
            noise[index] = noise.get(index, 0.0) + _energy(difference)
            return value

        simulation.run(batch, compare)
    return {index: _decibels(signal[index], noise[index]) for index in signal}


def _energy(values: np.ndarray) -> float:
    flat = values.reshape(-1).astype(np.float64)
    return float(flat @ flat)


def _decibels(signal: float, noise: float) -> float | None:
    return float(10 * np.log10(signal / noise)) if signal > 0 and noise > 0 else None
