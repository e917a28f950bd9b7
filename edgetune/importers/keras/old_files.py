"""What Keras 2 wrote into .h5 files and Keras 3 rejects, rewritten before it is loaded.

Weights are found by the order of layers, not by name, so that names may change.
"""

from __future__ import annotations

import io
import json

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
    """A description without what Keras 3 rejects: ``groups`` of depthwise layers, and "/" in the
    names of layers."""
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
    value = {key: _rewritten(item, names) for key, item in value.items()}
    surplus = SURPLUS.get(str(value.get("class_name")))
    config = value.get("config")
    if surplus and isinstance(config, dict) and config.get(surplus) == 1:
        value["config"] = {key: item for key, item in config.items() if key != surplus}
    return value
