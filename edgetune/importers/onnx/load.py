"""An ONNX file's bytes as a checked message of the ``onnx`` package."""

from __future__ import annotations

import os
from collections import Counter
from functools import lru_cache
from pathlib import Path

import onnx
from google.protobuf.message import DecodeError

from edgetune.errors import ModelError
from edgetune.model.decode import corrupt, quoted
from edgetune.model.read import file_content
from edgetune.workers import Worker

CHECKER = "edgetune.importers.onnx.checker"


def load(content: bytes, folder: Path | None) -> onnx.ModelProto:
    """The model, with weights that lie in a file beside it.

    Raises:
        ModelError: not an ONNX file, contradicting ONNX's rules, or with weights elsewhere.
    """
    model = onnx.ModelProto()
    try:
        model.ParseFromString(content)
    except DecodeError as error:
        raise corrupt(f"It is no ONNX message ({error}).") from None
    if not model.graph.node:
        raise corrupt("It is no ONNX model, or one without nodes.")
    if not all(isinstance(text, str) for text in _texts(model)):
        raise corrupt("Some of its names are not UTF-8.")
    _refuse_functions(model)
    for tensor in model.graph.initializer:
        if tensor.data_location == onnx.TensorProto.EXTERNAL:
            _fetch(tensor, folder)
    try:
        _checker(os.getpid()).ask(model.SerializeToString())
    except (RuntimeError, ValueError) as error:
        _refuse_foreign_kinds(model)
        raise corrupt(f"onnx's checker says: {_first_line(error)}") from None
    return model


@lru_cache(maxsize=None)
def _checker(process: int) -> Worker:
    """The one of this process: on some files onnx's checker ends its own."""
    return Worker(CHECKER)


def _refuse_foreign_kinds(model: onnx.ModelProto) -> None:
    """Tools for training put operators of their own among ONNX's, which its checker rejects."""
    kinds = Counter(
        node.op_type for node in model.graph.node
        if node.domain in ("", "ai.onnx") and not onnx.defs.has(node.op_type)
    )
    if kinds:
        raise ModelError(
            "The ONNX file has operators that ONNX does not define.",
            ", ".join(f"{count} {quoted(kind)}" for kind, count in kinds.most_common(8)),
            "Export it with ONNX's own operators, quantised ones as QuantizeLinear and "
            "DequantizeLinear.",
        )


def _texts(model: onnx.ModelProto):
    """All names in a model; protobuf gives bytes for those that are malformed."""
    graph = model.graph
    for node in graph.node:
        yield from (node.name, node.op_type, node.domain, *node.input, *node.output)
        yield from (attribute.name for attribute in node.attribute)
    for group in (graph.initializer, graph.input, graph.output, graph.value_info, model.functions):
        yield from (item.name for item in group)
    for tensor in graph.initializer:
        yield from (text for entry in tensor.external_data for text in (entry.key, entry.value))


def _refuse_functions(model: onnx.ModelProto) -> None:
    if model.functions:
        raise ModelError(
            "The ONNX file defines functions of its own.",
            ", ".join(quoted(f.name) for f in model.functions[:8]),
            "Inline them: onnx.inliner.inline_local_functions, or torch.onnx.export with "
            "optimize=True.",
        )


def _fetch(tensor: onnx.TensorProto, folder: Path | None) -> None:
    """Reads a tensor's data from a file in the model's own folder, and from nowhere else."""
    where = {entry.key: entry.value for entry in tensor.external_data}
    name = where.get("location", "")
    if folder is None or name in ("", ".", "..") or Path(name).name != name or "\\" in name:
        raise _elsewhere(tensor, name, "Only a file in the model's own folder is read.")
    try:
        offset, length = int(where.get("offset", 0)), int(where.get("length", -1))
    except ValueError:
        raise corrupt(f"The place of {quoted(tensor.name)} is no number.") from None
    if not (folder / name).is_file():
        raise _elsewhere(tensor, name, "There is no such file beside the model.")
    content = file_content(folder / name)
    length = len(content) - offset if length < 0 else length
    if not 0 <= offset <= offset + length <= len(content):
        raise corrupt(f"The data of {quoted(tensor.name)} reaches past the end of {quoted(name)}.")
    tensor.raw_data = content[offset : offset + length]
    tensor.data_location = onnx.TensorProto.DEFAULT
    del tensor.external_data[:]


def _elsewhere(tensor: onnx.TensorProto, name: str, cause: str) -> ModelError:
    return ModelError(
        f"The weights {quoted(tensor.name)} lie in another file, {quoted(name)}.",
        cause,
        "Export into one file: torch.onnx.export(..., external_data=False).",
    )


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0][:300]
