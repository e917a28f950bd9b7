"""The folder of a run that never was, for what looks at runs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

LAYERS = ["conv_2d_0", "fully_connected_1"]


def measure(value: float, confusion: list | None = None) -> dict:
    return {"name": "accuracy", "value": value, "higher_is_better": True, "others": {},
            "confusion": confusion}


def record_of(after: float, classes: list[str], **settings) -> dict:
    """run.json of a run that is done; ``settings`` beside its seed."""
    before, end = measure(0.5, [[1, 1], [0, 2]]), measure(after, [[2, 0], [0, 2]])
    stages = [
        {"layer": layer, "phase": phase, "instructions": 1000.5}
        for layer in LAYERS for phase in ("forward", "backward", "update")
    ]
    sizes = ("flash", "ram", "code", "table", "weight", "arena", "state", "link", "static", "stack")
    return {
        "format": 1, "status": "done", "model": {"file": "m.tflite", "sha256": "ab" * 32},
        "board": "stm32f4-discovery", "device": "host", "recipe": {"rule": "adaptive"},
        "loss": "softmax", "target": "class", "trained": LAYERS, "settings": {"seed": 0} | settings,
        "data": {"classes": classes, "samples": {"tune": 9, "test": 4}},
        "plan": {
            "arena_bytes": 80, "ram_available": 1000, "flash_available": 9000,
            "cost": {f"{name}_bytes": 100 for name in sizes} | {
                "step_instructions": 6003, "forward_instructions": 2001, "layers": [],
                "stages": stages,
            },
            "arena": {"stages": ["a forward", "a backward"], "buffers": [
                {"name": "conv_2d_0_out", "offset": 0, "size": 80, "first": 0, "last": 1},
            ]},
        },
        "command": "edgetune tune m.tflite", "files": {"d.npz": None}, "versions": {"numpy": "1"},
        "before": {"test": before},
        "result": {
            "before": before, "after": end, "test": {
                "before": before, "after": end, "samples": 4, "won": 1, "lost": 0, "z": 1.0,
                "fell": False,
            }, "also": {}, "steps": 10, "digest": "00c0ffee", "verified": True, "file_fault": "",
            "stack_used": 64, "executed_instructions": 123456,
        },
        "layers": [], "link": {"bytes_sent": 5},
        "guard": {"kind": "running", "kept": "last", "step": 10, "reason": "It was better",
                  "advice": "", "notes": [], "falls": []},
    }


def write_run(
    folder: Path, steps: int, right: tuple[int, ...] = (1, 1, 1, 1),
    classes: list[str] | None = None, **settings,
) -> Path:
    """A run of ``steps``, in which of four test samples those are ``right`` that were so before
    (the last two), or not."""
    folder.mkdir(parents=True, exist_ok=True)
    record = record_of(float(np.mean(right)), classes or [], **settings)
    (folder / "run.json").write_text(json.dumps(record))
    with open(folder / "metrics.jsonl", "w") as log:
        for step in range(steps):
            log.write(json.dumps({
                "step": step, "sample": step % 9, "label": 0, "prediction": int(step % 7 == 0),
                "draws": 3, "measure": 16384 + step % 5, "digest": step, "layer_draws": [1, 2],
                "layer_held": [0, 1],
            }) + "\n")
    losses = 1.0 - np.array(right, np.float32)
    np.savez(
        folder / "predictions.npz",
        **{"test/losses_before": np.array([1, 1, 0, 0], np.float32), "test/losses_after": losses,
           "test/targets": np.array([0, 1, 2, 2], np.int32),
           "test/predictions_before": np.array([2, 2, 2, 2], np.int32),
           "test/predictions_after": np.where(losses, 3, [0, 1, 2, 2]).astype(np.int32)},
    )
    return folder
