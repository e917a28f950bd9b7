"""What Keras 2 wrote into .h5 files and Keras 3 rejects, rewritten before it is loaded.

Weights are found by the order of layers, not by name, so that names may change.
"""

from __future__ import annotations

import io
import json

SHAPE = "batch_input_shape"
SURPLUS = {"DepthwiseConv2D": "groups", "DepthwiseConv1D": "groups"}  # always 1, and not taken


def modern_file(content: bytes) -> bytes:
    """An .h5 file whose description Keras 3 takes; the same bytes where nothing is old in it.

    Args:
        content: of an .h5 file that has a description (``description``).
    """
    import h5py

    buffer = io.BytesIO(content)
    with h5py.File(buffer, "r+") as file:
        old = json.loads(file.attrs["model_config"])
        new = modern(old)
        if new == old:
            return content
        file.attrs["model_config"] = json.dumps(new)
    return buffer.getvalue()


def modern(model: dict) -> dict:
    """A description without what Keras 3 rejects: ``groups`` of depthwise layers, "/" in the names
    of layers, number types of initialisers, a model's input stated by its first layer, a nested
    model that counts itself among its calls, and a list of its one output."""
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
    value = {
        key: _without(_rewritten(item, names), "dtype") if key.endswith("_initializer")
        else _rewritten(item, names) for key, item in value.items()
    }
    kind, config = str(value.get("class_name")), value.get("config")
    if not isinstance(config, dict):
        return value
    surplus = SURPLUS.get(kind)
    if surplus and config.get(surplus) == 1:
        return _without(value, surplus)
    if isinstance(config.get("layers"), list) and all(map(_is_layer, config["layers"])):
        value["config"] = PARTS.get(kind, _same)(config)
    return value


def _without(value, key: str):
    """A class's description without one entry of its configuration."""
    if not isinstance(value, dict) or not isinstance(value.get("config"), dict):
        return value
    return value | {"config": {k: item for k, item in value["config"].items() if k != key}}


def _is_layer(value) -> bool:
    return isinstance(value, dict) and isinstance(value.get("config"), dict)


def _same(config: dict) -> dict:
    return config


def _with_input(config: dict) -> dict:
    """A Sequential model whose first layer states the input's shape gets a layer for that."""
    first = config["layers"][0] if config["layers"] else None
    if first is None or first.get("class_name") == "InputLayer" or SHAPE not in first["config"]:
        return config
    shape = {SHAPE: first["config"][SHAPE], "name": f"{first['config'].get('name')}_input"}
    source = {"class_name": "InputLayer", "config": shape}
    return config | {"layers": [source, _without(first, SHAPE), *config["layers"][1:]]}


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


PARTS = {"Sequential": _with_input, "Functional": _connected, "Model": _connected}
