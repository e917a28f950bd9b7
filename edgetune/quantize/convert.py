"""Any .tflite file to int8: read, calibrate, quantise, write, report."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np

from edgetune.dataclass import dataclass
from edgetune.errors import ModelError
from edgetune.floats.graph import check_float_graph
from edgetune.floats.read import as_float
from edgetune.importers.kind import kind_of
from edgetune.importers.load import load_model
from edgetune.model.consistency import check_operator, check_order
from edgetune.model.constant_inputs import Constants, with_constants
from edgetune.model.decode import decode
from edgetune.model.decoding import before_decoding
from edgetune.model.edges import leave_out_edges
from edgetune.model.encode import encode
from edgetune.model.graph import Graph
from edgetune.model.islands import inside_islands
from edgetune.model.outputs import Choice, choose_output
from edgetune.model.read import file_content, named, read_tflite
from edgetune.model.rewrite import Rewriter
from edgetune.model.simplify import simplify
from edgetune.model.streaming import as_window
from edgetune.quantize.accuracy import agreement, compare_accuracy, runner_of
from edgetune.quantize.bias_correction import correct_biases
from edgetune.quantize.calibration import Calibration, calibrate
from edgetune.quantize.canonical import canonical
from edgetune.quantize.equalisation import equalise
from edgetune.quantize.lowering import lower_to_int8, quantize_layers
from edgetune.quantize.options import Options
from edgetune.quantize.report import Report, describe_layers
from edgetune.quantize.scales import choose_scales, separate_fixed_scales
from edgetune.quantize.simulation import Simulation

KEPT_SAMPLES = 128  # for bias correction and signal-to-noise ratios
FEW_SAMPLES = 20
NOISY_DB = 10.0


@dataclass(frozen=True)
class Conversion:
    """``content``: the int8 .tflite file.  ``report``: what it cost."""

    content: bytes
    report: Report


def convert(
    source: str | os.PathLike | bytes | Graph,
    calibration: Iterable,
    options: Options = Options(),
    labelled: tuple[Iterable, Iterable] | None = None,
    metadata: dict[str, bytes] | None = None,
    output: Choice = None,
    inputs: Constants = (),
) -> Conversion:
    """Converts a model to int8 weights, activations, input and output.

    Args:
        source: the path of a .tflite, .keras, .h5 or .onnx file, a .tflite file's content, or a
            float Graph (``floats.graph``).  A file that is int8 throughout is passed through
            untouched, but for float or uint8 ends, which are left out.
        calibration: representative samples: an array [n, ...], or anything that yields samples
            or batches one by one (nothing is read ahead); real values, scaled as for training.
        options: see ``Options``.
        labelled: samples as above and class numbers, for float against int8 in the report.
        metadata: notes by name that a converted file is to carry.
        output: of a file with several outputs the one that counts, its name or number; the int8
            file has this one alone.
        inputs: those of a file that are constants (``model.constant_inputs``).

    Raises:
        ModelError: the file is unreadable or corrupt, or parts of it cannot be converted (or, of
            an int8 file, run), all of which are named; or it has several outputs and none is
            named.
        UsageError: there is no such output, or one of ``inputs`` does not suit the model.
        DataError: the samples do not suit the model.
        ToolchainError: the extra that reads such files is not installed.
    """
    found = source if isinstance(source, Graph) else load(source, output, inputs)
    if isinstance(found, bytes):
        assert not isinstance(source, Graph)
        return passed(found, source, output, inputs)
    check_float_graph(found)
    return _convert(found, calibration, options, labelled, metadata or {})


def passed(
    found: bytes, source: str | os.PathLike | bytes, output: Choice = None,
    inputs: Constants = (),
) -> Conversion:
    """What ``load`` found to be int8 already."""
    return Conversion(found, Report(False, **_left_out(read_tflite(source, output, inputs))))


def _left_out(graph: Graph) -> dict[str, list[str]]:
    """As a report has it."""
    others = [other.name for other in graph.other_outputs]
    return {"left_out": others, "decoding": list(graph.decoding)}


def load(
    source: str | os.PathLike | bytes, output: Choice = None, inputs: Constants = ()
) -> bytes | Graph:
    """What there is to convert: a float Graph, or a file that is int8 already.

    Arguments and errors are those of ``convert``.
    """
    if _is_content(source):
        content = bytes(source)
    elif Path(source).is_dir():
        return load_model(source)  # which says what to do
    else:
        with named(Path(source)):
            content = file_content(Path(source))
        if kind_of(content) != "tflite":
            return load_model(source, output, inputs)
    with nullcontext() if _is_content(source) else named(Path(source)):
        decoded = decode(with_constants(content, inputs))
        ready = int8_content(decoded, output)
        return as_float(decoded, output) if ready is None else ready


def int8_content(decoded: Graph, output: Choice = None) -> bytes | None:
    """The file of a model that computes in int8 throughout, else None.

    The file as it is; or without a QUANTIZE and DEQUANTIZE at its float or uint8 ends, and of
    several outputs with the chosen one alone.

    Raises:
        ModelError: it computes in int8, but edgetune cannot run it (``read_tflite``).
    """
    check_order(decoded)
    graph = simplify(choose_output(before_decoding(as_window(decoded)), output))
    leave_out_edges(graph)
    tensors = {i for op in graph.operators for i in (*op.inputs, *op.outputs)} - {-1}
    tensors -= inside_islands(graph)
    types = {graph.tensors[i].dtype for i in tensors}
    ends = {graph.tensors[i].dtype for i in (*graph.inputs, *graph.outputs)}
    if ends != {"int8"} or types & {"float16", "float32", "float64", "uint8", "int16"}:
        return None
    read_tflite(decoded.content, output)
    same_ends = (graph.inputs, graph.outputs) == (graph.file_inputs, graph.file_outputs)
    if same_ends and not (graph.other_outputs or graph.decoding or graph.frames):
        return decoded.content
    if len(graph.inputs) > 1:  # data goes by these names
        for tensor, name in zip(graph.input_tensors, graph.input_names):
            tensor.name = name
    return encode(replace(Rewriter(graph).graph(), metadata=decoded.metadata))


def _is_content(source) -> bool:
    return isinstance(source, (bytes, bytearray, memoryview))


def _convert(
    source: Graph, inputs: Iterable, options: Options, labelled: tuple | None,
    metadata: dict[str, bytes],
) -> Conversion:
    if options.equalisation:  # moves values out of the ranges that a quantised file has
        source = replace(source, tensors=[replace(t, quantization=None) for t in source.tensors])
    graph = separate_fixed_scales(canonical(source))
    if options.equalisation:
        graph = equalise(graph)
    inputs = _spread(inputs, options.samples)
    seen = calibrate(graph, inputs, options.samples, KEPT_SAMPLES)
    scales = choose_scales(graph, seen, options.range_rule, options.percentile)
    layers = quantize_layers(graph, scales)
    if options.bias_correction:
        layers = correct_biases(graph, scales, layers, seen.kept)
    content = encode(replace(lower_to_int8(graph, scales, layers), metadata=metadata))
    _check_scales(content)
    simulation = Simulation(graph, scales, layers)
    report = Report(True, seen.samples, options.as_dict(),
                    describe_layers(graph, scales, seen, simulation), **_left_out(source))
    report.warnings += _warnings(report, seen)
    itself = runner_of(source)
    report.agreement = agreement(itself, content, simulation, graph, seen.kept)
    if labelled is not None:
        report.accuracy = compare_accuracy(
            graph, content, simulation, *labelled, itself
        )
        report.warnings += [f"{r}." for r in [report.accuracy.no_judge] if r]
    return Conversion(content, report)


def _check_scales(content: bytes) -> None:
    """ModelError where ranges lie so far apart that int8 arithmetic cannot join them."""
    graph = simplify(decode(content))
    for operator in graph.operators:
        try:
            check_operator(graph, operator)
        except ModelError as error:
            raise ModelError(
                "The model's values cannot be brought into int8.",
                error.cause,
                "Look at the ranges of its layers: values of very different size meet there.",
            ) from None


def _spread(inputs: Iterable, count: int) -> Iterable:
    """Of an array, ``count`` samples evenly over its length: files are often sorted by class."""
    if not isinstance(inputs, np.ndarray) or len(inputs) <= count:
        return inputs
    return inputs[np.linspace(0, len(inputs) - 1, count).astype(int)]


def _warnings(report: Report, seen: Calibration) -> list[str]:
    warnings = []
    if seen.samples < FEW_SAMPLES:
        warnings.append(f"Only {seen.samples} calibration samples: ranges may be too narrow.")
    noisy = [r for r in report.layers if r.sqnr_db is not None and r.sqnr_db < NOISY_DB]
    if noisy:
        worst = min(noisy, key=lambda row: row.sqnr_db)
        warnings.append(
            f"{len(noisy)} layers have a signal-to-noise ratio below {NOISY_DB:g} dB; "
            f"the worst is {worst.kind} {worst.tensor!r} with {worst.sqnr_db:.1f} dB."
        )
    return warnings
