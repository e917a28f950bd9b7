"""The ways by which PyTorch and ONNX Runtime make an .onnx file of a module.

    python -m tools.onnx_files.formats OUT EXPORTERS OPSETS FORMS [MODEL ...]

writes the files of models to the folder OUT, ``MODEL.EXPORTER.OPSET.FORM.onnx``; in the place of
one a .txt with the words of what does not make it.  A model's name is printed when it is done.
A file says what ONNX Runtime computes by it: ``outputs`` in its metadata, for the samples of
``samples``.
"""

from __future__ import annotations

import itertools
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

EXPORTERS = ("torchscript", "dynamo")
OPSETS = (11, 13, 15, 17, 19, 21)
FORMS = ("float", "qdq", "qoperator", "dynamic")
COMPARED, CALIBRATION = 4, 40  # samples
REDUCED = True  # weights of 7 bits, as its manual advises: products of two 8-bit pairs saturate
OUTPUTS = "outputs"  # the key in a file's metadata


def samples(shape: tuple[int, ...], count: int) -> np.ndarray:
    """Samples [count, *shape], the same every time: more of them begin alike."""
    return np.random.default_rng(3).normal(0, 1, (count, *shape)).astype(np.float32)


def write(name: str, out: Path, exporters: Iterable[str], opsets: Iterable[int],
          forms: Iterable[str]) -> None:
    """Writes the files of a model, and the words where there is none."""
    out.mkdir(parents=True, exist_ok=True)
    for exporter, opset in itertools.product(exporters, opsets):
        path = out / f"{name}.{exporter}.{opset}"
        exported = _tried(path, "float", partial(_export, name, exporter, opset))
        for form in forms:
            _tried(path, form, partial(_quantised, name, exported, form))


def _tried(path: Path, form: str, make: Callable[[], Any]) -> Any:
    """What ``make`` gives, a model, written; None with the words of what it raises."""
    path = path.with_name(f"{path.name}.{form}")
    try:
        model = make()
    except Exception as error:  # exporters raise what they like
        words = f"{type(error).__name__}: {error}"
        Path(f"{path}.txt").write_text(" ".join(words.split())[:300])
        Path(f"{path}.onnx").unlink(missing_ok=True)
        return None
    Path(f"{path}.onnx").write_bytes(model.SerializeToString())
    return model


def _export(name: str, exporter: str, opset: int) -> Any:
    """The model in float, errors are PyTorch's."""
    import onnx
    import torch

    from tools.onnx_files.models import MODELS, make

    shape = MODELS[name][0]
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.onnx")
        options = {"verbose": False} if exporter == "dynamo" else {}
        torch.onnx.export(
            make(name), (torch.zeros(1, *shape),), path, dynamo=exporter == "dynamo",
            opset_version=opset, external_data=False, input_names=["x"], output_names=["y"],
            **options,
        )  # fmt: skip
        model = onnx.load(path)
    _leave_out_words(model)
    return model


def _leave_out_words(model: Any) -> None:
    """Places in source files and the like, which a model does without."""
    for node in model.graph.node:
        node.ClearField("doc_string")
        del node.metadata_props[:]
    for value in (*model.graph.value_info, *model.graph.input, *model.graph.output):
        del value.metadata_props[:]
    del model.graph.metadata_props[:]


def _quantised(name: str, model: Any, form: str) -> Any:
    """The model in one of `FORMS`, with what it computes; errors are ONNX Runtime's."""
    if model is None:
        raise RuntimeError("the exporter makes no model")
    made = model if form == "float" else _by_quantiser(name, model, form)
    return _with_outputs(name, made)


def _by_quantiser(name: str, model: Any, form: str) -> Any:
    import onnx
    from onnxruntime.quantization import QuantFormat, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    with tempfile.TemporaryDirectory() as folder:
        source, ready, target = (os.path.join(folder, n) for n in ("a.onnx", "b.onnx", "c.onnx"))
        onnx.save(model, source)
        quant_pre_process(source, ready, skip_symbolic_shape=True)
        if form == "dynamic":
            _quantise_dynamic(ready, target)
        else:
            style = QuantFormat.QDQ if form == "qdq" else QuantFormat.QOperator
            quantize_static(ready, target, _Reader(name), quant_format=style, reduce_range=REDUCED)
        return onnx.load(target)


def _quantise_dynamic(source: str, target: str) -> None:
    """Signed weights, the quantiser's default, where ONNX Runtime has kernels for them."""
    import onnxruntime
    from onnxruntime.quantization import QuantType, quantize_dynamic

    quantize_dynamic(source, target, weight_type=QuantType.QInt8, reduce_range=REDUCED)
    try:
        onnxruntime.InferenceSession(target)
    except Exception:  # its convolutions are of unsigned weights alone
        quantize_dynamic(source, target, weight_type=QuantType.QUInt8, reduce_range=REDUCED)


class _Reader:
    """Samples for a calibration; one at a time, None behind the last."""

    def __init__(self, name: str):
        from tools.onnx_files.models import MODELS

        self.left = iter(samples(MODELS[name][0], CALIBRATION))

    def get_next(self) -> dict | None:
        x = next(self.left, None)
        return None if x is None else {"x": x[None]}


def _with_outputs(name: str, model: Any) -> Any:
    """``model``, and in its metadata what ONNX Runtime computes by it."""
    import onnxruntime

    from tools.onnx_files.models import MODELS

    session = onnxruntime.InferenceSession(model.SerializeToString())
    (source,) = session.get_inputs()
    x = samples(MODELS[name][0], COMPARED)
    y = np.concatenate([session.run(None, {source.name: one[None]})[0] for one in x])
    numbers = [[float(f"{value:.7g}") for value in row] for row in y.reshape(len(y), -1)]
    del model.metadata_props[:]
    entry = model.metadata_props.add()
    entry.key, entry.value = OUTPUTS, json.dumps({"shape": y.shape, "values": numbers})
    return model


def main(out: str, exporters: str, opsets: str, forms: str, *names: str) -> None:
    from tools.onnx_files.models import MODELS

    if unknown := sorted({*names} - {*MODELS}):
        sys.exit(f"No model is called {', '.join(unknown)}; there are: {', '.join(MODELS)}.")
    done = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # exporters print as they like
    for name in names or MODELS:
        write(name, Path(out), exporters.split(","), [int(n) for n in opsets.split(",")],
              forms.split(","))
        print(name, file=done, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
