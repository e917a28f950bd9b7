"""What Keras 2 wrote and Keras 3 rejects, rewritten before it is loaded.

Weights are found by the order of layers, not by name, so that names may change.
"""

from __future__ import annotations

import io
import json
import zipfile

SHAPE = "batch_input_shape"
SURPLUS = {  # of layers
    "DepthwiseConv2D": "groups", "DepthwiseConv1D": "groups",  # always 1, and not taken
}
MOVED = {"keras.src.engine.functional": "keras.src.models.functional",
         "keras.src.engine.sequential": "keras.src.models.sequential"}  # modules
CONFIG, METADATA, WEIGHTS = "config.json", "metadata.json", "model.weights.h5"  # of archives


def modern_file(content: bytes) -> bytes:
    """A .keras or .h5 file that Keras 3 takes; the same bytes where nothing is old in it.

    Args:
        content: of a file that has a description (``description``).
    """
    return _archive(content) if content.startswith(b"PK") else _hdf5(content)


def _hdf5(content: bytes) -> bytes:
    import h5py

    buffer = io.BytesIO(content)
    with h5py.File(buffer, "r+") as file:
        old = json.loads(file.attrs["model_config"])
        new = modern(old)
        if new == old:
            return content
        file.attrs["model_config"] = json.dumps(new)
    return buffer.getvalue()


def _archive(content: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        old = {name: archive.read(name) for name in archive.namelist()}
    new = dict(old)
    if b'"keras_version": "2.' in old.get(METADATA, b""):
        new[CONFIG] = json.dumps(modern(json.loads(old[CONFIG]))).encode()
    if b"layers\\" in old.get(WEIGHTS, b""):
        new[WEIGHTS] = _with_slashes(old[WEIGHTS])
    if new == old:
        return content
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, member in new.items():
            archive.writestr(name, member)
    return buffer.getvalue()


def _with_slashes(weights: bytes) -> bytes:
    """Under Windows Keras parts a layer's place in the file by backslashes."""
    import h5py

    buffer = io.BytesIO(weights)
    with h5py.File(buffer, "r+") as file:
        for name in sorted(file):
            if "\\" in name:
                file.move(name, name.replace("\\", "/"))
    return buffer.getvalue()


def modern(model: dict) -> dict:
    """A description without what Keras 3 rejects: ``groups`` of depthwise layers, "/" in the names
    of layers, number types of initialisers, an axis in a list, old names of modules and of an
    input's shape, an input stated by the first layer, a nested model that counts itself among its
    calls, and a list of its one output."""
    names = {name: name.replace("/", "_") for name in _layer_names(model) if "/" in name}
    return _rewritten(model, names)


def _layer_names(value) -> set[str]:
    """Of everything that has a class and a name."""
    if isinstance(value, list):
        return set().union(*map(_layer_names, value))
    if not isinstance(value, dict):
        return set()
    config = value.get("config")
    own = {config.get("name"), value.get("name")} if isinstance(config, dict) else set()
    found = {name for name in own if isinstance(name, str)} if "class_name" in value else set()
    return found.union(*map(_layer_names, value.values()))


def _rewritten(value, names: dict[str, str]):
    if isinstance(value, str):
        return names.get(value, value)
    if isinstance(value, list):
        return [_rewritten(item, names) for item in value]
    if not isinstance(value, dict):
        return value
    value = _with_input(value)
    value = {
        key: _without(_rewritten(item, names), "dtype") if key.endswith("_initializer")
        else _rewritten(item, names) for key, item in value.items()
    }
    value = _layer(value) if _has_config(value) else value
    return value | {"config": _connected(value["config"])} if _has_layers(value) else value


def _layer(value: dict) -> dict:
    kind, config = str(value.get("class_name")), value["config"]
    if value.get("module") in MOVED:
        value = value | {"module": MOVED[value["module"]]}
    if kind == "InputLayer" and SHAPE in config:
        config = config | {"batch_shape": config[SHAPE]}
    axis = config.get("axis")
    if kind == "BatchNormalization" and isinstance(axis, list) and len(axis) == 1:
        config = config | {"axis": axis[0]}
    value = _without(value | {"config": config}, SHAPE)
    surplus = SURPLUS.get(kind)
    return _without(value, surplus) if surplus and config.get(surplus) == 1 else value


def _without(value, key: str):
    """A class's description without one entry of its configuration."""
    if not _has_config(value):
        return value
    return value | {"config": {k: item for k, item in value["config"].items() if k != key}}


def _has_config(value) -> bool:
    return isinstance(value, dict) and isinstance(value.get("config"), dict)


def _has_layers(value) -> bool:
    """Whether it is a model, of layers that have a description."""
    layers = value["config"].get("layers") if _has_config(value) else None
    return isinstance(layers, list) and all(map(_has_config, layers))


def _with_input(value: dict) -> dict:
    """A Sequential model whose first layer states the input's shape gets a layer for that."""
    if value.get("class_name") != "Sequential" or not _has_layers(value):
        return value
    config = value["config"]
    first = config["layers"][0] if config["layers"] else None
    if first is None or first.get("class_name") == "InputLayer" or SHAPE not in first["config"]:
        return value
    shape = {SHAPE: first["config"][SHAPE], "name": f"{first['config'].get('name')}_input"}
    source = {"class_name": "InputLayer", "config": shape}
    source |= {"module": "keras.layers"} if "module" in first else {}
    return value | {"config": config | {"layers": [source, *config["layers"]]}}


def _connected(config: dict) -> dict:
    """A graph of layers whose Sequential models count their calls from 0, and whose one output is
    no list of one."""
    counts = {_name(layer): len(layer.get("inbound_nodes") or ()) for layer in config["layers"]
              if layer.get("class_name") == "Sequential"}
    for name, count in counts.items():
        called = [at for at in _references(config) if at[0] == name]
        surplus = max((at[1] for at in called), default=0) - count + 1
        for at in called if surplus > 0 else ():
            at[1] -= surplus
    ends = {key: config[key][0] for key in ("input_layers", "output_layers")
            if isinstance(config.get(key), list) and len(config[key]) == 1}
    return config | ends


def _name(layer: dict):
    return layer.get("name", layer["config"].get("name"))


def _references(config: dict) -> list[list]:
    """Every [layer, call, output] of a graph, in its layers and at its ends."""
    found: list[list] = []
    left = [config.get("output_layers"), *(x.get("inbound_nodes") for x in config["layers"])]
    while left:
        value = left.pop()
        if isinstance(value, list):
            if len(value) > 2 and isinstance(value[0], str) and isinstance(value[1], int):
                found.append(value)
            else:
                left += value
    return found
