"""What edgetune makes of folders of model files: a line a file, and totals.

    python tools/public_models.py FOLDER...

read: the file is read, or the reason why not.  plan: a plan that trains all of it is made.
forward: the numpy engine gives what tflite-runtime's reference kernels give, on random inputs;
one step off is allowed where these compute in floating point.  tuned: training steps in numpy
move weights.  A file whose bytes came before is left out.  Files of one or two operators test
operators and are counted apart.  Of those that are no such tests the reasons are listed at the
end, each with its count.
"""

from __future__ import annotations

import hashlib
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from edgetune.boards import load_board
from edgetune.errors import EdgetuneError, ModelError
from edgetune.learn.learner import Learner
from edgetune.learn.lower import lower
from edgetune.learn.recipe import Recipe
from edgetune.model.decode import decode
from edgetune.model.edges import from_file_output, to_file_input
from edgetune.model.graph import Graph
from edgetune.model.outputs import SeveralOutputs
from edgetune.model.runtime import Runtime, one_line
from edgetune.plan.plan import make_plan
from edgetune.session.interpreter import IN_FLOAT
from edgetune.session.preview import Preview, preview

SUFFIXES = (".tflite", ".onnx", ".h5", ".keras")
BOARD = "mps2-an386"
FEW = 2  # operators of a file that tests these
SAMPLES = 3


def main(folders: list[str]) -> None:
    totals: dict[str, Counter] = {"models": Counter(), "operator tests": Counter()}
    reasons: Counter = Counter()
    seen: set[bytes] = set()
    for folder in map(Path, folders):
        for path in _distinct(folder, seen):
            facts = _judged(path)
            group = "operator tests" if _tests_operators(path) else "models"
            totals[group].update({name: value == "yes" for name, value in facts.items()})
            if group == "models" and facts["read"] != "yes":
                reasons[_kind_of(facts["read"])] += 1
            totals[group]["files"] += 1
            print(f"{path.relative_to(folder)} | {group} | "
                  + " | ".join(f"{name} {value}" for name, value in facts.items()), flush=True)
    for reason, count in reasons.most_common():
        print(f"{count} not read: {reason}")
    for group, counts in totals.items():
        print(f"{group}: " + ", ".join(f"{name} {count}" for name, count in counts.items()))


def _distinct(folder: Path, seen: set[bytes]) -> Iterator[Path]:
    """Model files below ``folder`` whose content is not in ``seen``, where it then is."""
    for path in sorted(p for p in folder.rglob("*") if p.suffix in SUFFIXES and p.is_file()):
        digest = hashlib.sha256(path.read_bytes()).digest()
        if digest not in seen:
            seen.add(digest)
            yield path


def _tests_operators(path: Path) -> bool:
    try:
        return len(decode(path.read_bytes()).operators) <= FEW
    except ModelError:
        return False


def _kind_of(reason: str) -> str:
    """Without what is the file's own: its name, places and names of tensors."""
    reason = re.sub(r"^\S+\.\w+: ", "", reason)
    reason = re.sub(r", the first is operator \d+|operator \d+ |node ", "", reason)
    return re.sub(r" ?\(output '[^']*'\)|'[^']*',? ?|\d+ (times|parts?) ", "", reason)


def _judged(path: Path) -> dict[str, str]:
    facts: dict[str, str] = {}
    try:
        seen = _seen(path)
    except EdgetuneError as error:
        cause = error.cause.replace("\n", "; ")
        return {"read": f"{error.message} {cause}"}
    facts["read"] = "yes"
    if seen.graph is None:
        return facts | {"plan": str(seen.problem)}
    for name, check in (("plan", _plan), ("forward", _forward), ("tuned", _tuned)):
        try:
            facts[name] = check(seen.graph)
        except EdgetuneError as error:
            facts[name] = str(error)
        except Exception as error:  # a table of defects is of more use than the first of them
            facts[name] = f"defect: {error!r}"
    return facts


def _seen(path: Path) -> Preview:
    """Of several outputs for the first."""
    try:
        return preview(path)
    except SeveralOutputs:
        return preview(path, 0)


def _recipe(graph: Graph) -> Recipe:
    return Recipe() if lower(graph).weighted_layers else Recipe(("none",))


def _plan(graph: Graph) -> str:
    make_plan(graph, _recipe(graph), load_board(BOARD))
    return "yes"


def _inputs(graph: Graph) -> np.ndarray:
    random = np.random.default_rng(0)
    return random.integers(-128, 128, (SAMPLES, *graph.input.shape), np.int8)


def _forward(graph: Graph) -> str:
    learner, inputs = Learner(lower(graph), Recipe(("none",))), _inputs(graph)
    try:
        judge = Runtime.of(graph.content)
        if judge is None:
            return "no tflite-runtime"
        outputs = judge.run(to_file_input(graph, inputs), graph.output_number)
        wanted = from_file_output(graph, outputs)
    except RuntimeError as error:
        return f"tflite-runtime refuses the file: {one_line(str(error))}"
    found = np.array([learner.forward(x) for x in inputs])
    off = np.abs(wanted.reshape(len(inputs), -1).astype(int) - found).max()
    return "yes" if off <= any(op.kind in IN_FLOAT for op in graph.operators) else f"{off} off"


def _tuned(graph: Graph) -> str:
    recipe = _recipe(graph)
    if recipe.layers == ("none",):
        return "nothing to train"
    learner = Learner(lower(graph), recipe)
    before, target = learner.digest(), learner.program.loss.any_target
    draws = sum(learner.train(x, target(n)).draws for n, x in enumerate(_inputs(graph)))
    return "yes" if draws and learner.digest() != before else "no step"


if __name__ == "__main__":
    main(sys.argv[1:])
