"""The generated model.c: bytes of code per call, and the stack frames of its functions."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np

from edgetune.plan.model_code import call_counts, way_of
from tools.calibration.calls import read_frames
from tools.calibration.fit import fit
from tools.calibration.sections import read_object

MODEL_CALLS = ("et_model_forward", "et_model_train", "et_model_accepts")


def model_costs(compiled: list[tuple]) -> dict:
    """``compiled``: (plan, folder of its object files) of many models."""
    features = [call_counts(plan) for plan, _ in compiled]
    sizes = [_code(objects) for _, objects in compiled]
    return {
        "code": fit([Counter(f) for f in features], np.array(sizes, float)),
        "frames": _frames(compiled),
    }


def _code(objects: Path) -> int:
    """Bytes of the functions that call the engine, and of the adapters."""
    sections = read_object("model.c", (objects / "model.o").read_bytes())
    return sum(s.flash for s in sections if s.function and (
        s.name in MODEL_CALLS or s.name.endswith("_row")
    ))


def _frames(compiled: list[tuple]) -> dict:
    """The largest frames met, for each way in which a rule takes a step."""
    found: dict[str, Counter] = {"layers": Counter(), "whole": Counter()}
    for plan, objects in compiled:
        frames = read_frames(objects / "model.su")
        found[way_of(plan)] |= Counter({
            "forward": frames["et_model_forward"],
            "train": frames["et_model_train"],
            "row": max((f for name, f in frames.items() if name.endswith("_row")), default=0),
        })
    return {way: {name: most[name] for name in ("forward", "train", "row")}
            for way, most in found.items()}
