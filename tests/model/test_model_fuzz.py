"""Files nobody should trust: each is refused by a typed error, or is a model that runs.

``make fuzz`` tries a hundred thousand; here are those that once failed, and two thousand more,
each in 2 s of processor time and 500 MB.
"""

import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from tflite_writer import OperatorSpec, TensorSpec, serialise
from thinned import thinned
from tiny_tflite import ModelBuilder

from edgetune.model.read import read_tflite
from edgetune.model.runtime import Runtime
from edgetune.workers import WorkerDied
from tools.fuzz.cases import Cases
from tools.fuzz.examine import examine
from tools.fuzz.limits import MEGABYTES, Judgement
from tools.fuzz.places import places
from tools.fuzz.reference import Defect
from tools.fuzz.run import Tally, run
from tools.fuzz.seeds import SEEDS, seed_model

FOLDER = Path(__file__).parents[1] / "regressions"
REGRESSIONS = sorted((FOLDER / "models").glob("*.bin"))
OTHER_OUTPUTS = sorted((FOLDER / "outputs").glob("*.bin"))
ALWAYS_ZERO = ("float_branches_2026_24302",)  # what is always zero has a floor under its scale
SMALL = ["chain", "functions", "dense", "sparse", "dense_net", "float_one_dimensional",
         "float_branches"]
SORTS = {"root", "table", "vtable", "offset", "length", "rank", "shape", "type", "buffer index",
         "tensor index", "code index", "operator code", "options type", "option", "scale",
         "zero point", "axis", "data"}
MUTATIONS = 1000  # a test


class Files:
    """Given files in the place of made ones."""

    def __init__(self, *contents: bytes):
        self.contents = contents

    def content(self, number: int) -> bytes:
        return self.contents[number]


def judged(content: bytes, function=partial(examine, always=True)) -> Judgement:
    """What comes of one file in a process of its own."""
    tally = run(Files(content), range(1), function=function)
    (outcome,) = tally.outcomes
    return tally.failures.get(0, Judgement(outcome))


def accepted(tally: Tally) -> set[str]:
    """The outcomes; no case failed."""
    assert {n: (j.failure, j.where) for n, j in tally.failures.items()} == {}
    return set(tally.outcomes)


@pytest.mark.parametrize("path", thinned(REGRESSIONS, 4), ids=lambda path: path.stem)
def test_files_that_once_failed(path):
    judgement = judged(path.read_bytes())
    assert not judgement.failure, judgement
    converts = path.stem in ALWAYS_ZERO
    assert judgement.outcome in (
        ["float, converted, same outputs"] if converts else ["refused", "float, cannot convert"]
    )


@pytest.mark.parametrize("name", thinned(SEEDS, 8))
def test_sound_models_run(name):
    """What is broken elsewhere is sound to begin with."""
    expected = {"sparse": "refused", "float_branches": "float, cannot convert"}
    kind = "float, converted" if "float" in name or "hybrid" in name else "int8"
    assert examine(seed_model(name), always=True) in (
        expected.get(name), f"{kind}, same outputs", f"{kind}, no tflite-runtime",
    )


def test_places_are_of_every_sort():
    assert SORTS <= set(places(seed_model("chain")))


@pytest.mark.thorough
def test_every_truncation_is_refused():
    cases = Cases(0, ["dense"], truncated=("dense",))
    tally = run(cases, range(len(cases.cut)))
    assert accepted(tally) == {"refused"} and tally.total == len(seed_model("dense"))


@pytest.mark.thorough
def test_make_fuzz_runs_from_any_folder(tmp_path):
    """The command line of the Makefile, with nothing of the tests' own on its path."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    command = [sys.executable, FOLDER.parents[1] / "tools" / "fuzz_models.py", "--count", "40",
               "--no-truncations", "--jobs", "1", "--out", "broken"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "0 truncations, 40 mutations, seed 1" in done.stdout and "FAILED" not in done.stdout


@pytest.mark.thorough
@pytest.mark.parametrize("seed", [11, 12])
def test_mutations(seed):
    tally = run(Cases(seed, SMALL), range(MUTATIONS))
    assert {"refused", "int8", "float"} <= accepted(tally)
    assert tally.total == MUTATIONS


@pytest.mark.parametrize("path", OTHER_OUTPUTS, ids=lambda path: path.stem)
def test_files_whose_outputs_once_differed(path):
    pytest.importorskip("tflite_runtime", reason="tflite-runtime is for Python up to 3.11")
    assert judged(path.read_bytes()) == Judgement("int8, same outputs")


@pytest.mark.thorough
def test_what_still_runs_computes_what_tflite_does():
    pytest.importorskip("tflite_runtime", reason="tflite-runtime is for Python up to 3.11")
    cases = Cases(13, ["functions", "dense_net", "residual", "autoencoder"])
    tally = run(cases, range(MUTATIONS // 2), function=partial(examine, always=True))
    assert {"refused", "int8, tflite-runtime refuses"} <= accepted(tally)
    assert tally.outcomes["int8, same outputs"] > 50


@pytest.mark.parametrize(
    "error, outcome",
    [(WorkerDied("SIGABRT"), "tflite-runtime died"),
     (RuntimeError("bad scale"), "tflite-runtime refuses")],
)
def test_what_tflite_runtime_does_is_no_failure(error, outcome, monkeypatch):
    def of(content: bytes):
        raise error

    monkeypatch.setattr(Runtime, "of", of)
    assert examine(seed_model("chain"), always=True) == f"int8, {outcome}"


def test_other_outputs_than_the_reference_kernels_are_a_failure(monkeypatch):
    class Other:
        def run(self, inputs):
            return np.zeros((len(inputs), *read_tflite(seed_model("chain")).output.shape), np.int8)

    monkeypatch.setattr(Runtime, "of", lambda content: Other())
    with pytest.raises(Defect, match="other outputs"):
        examine(seed_model("chain"), always=True)


@pytest.mark.thorough
def test_a_model_of_very_many_operators_is_refused():
    model = ModelBuilder((1, 4)).dense(4)
    end = model.tensors[model.current]
    for _ in range(5000):
        model.tensors.append(TensorSpec("t", (1, 4), "int8", end.scale, end.zero_point))
        last = len(model.tensors) - 1
        model.operators.append(OperatorSpec("RELU", [model.current], last))
        model.current = last
    content = serialise(model.tensors, model.operators, [model.current])
    assert judged(content).outcome == "refused"


def test_the_larger_of_the_two_operator_codes_counts():
    """As TFLite reads it: files need not fill the deprecated field."""
    sound = seed_model("chain")
    broken = bytearray(sound)
    for place in places(sound)["operator code"]:
        if place.size == 1:
            broken[place.position] = 0
    kinds = [[op.kind for op in read_tflite(bytes(c)).operators] for c in (sound, broken)]
    assert kinds[0] == kinds[1]


def test_the_same_seed_gives_the_same_cases():
    one, other, third = (
        [Cases(seed, ["dense", "chain"]).content(n) for n in range(50)] for seed in (3, 3, 4)
    )
    assert one == other and one != third
    assert len(set(one)) > 45


# ---- what watches over the cases


def hold_too_much(content: bytes) -> str:
    # Well beyond: what the process gives back after the limit was set makes room.
    return str(len(bytearray((2 * MEGABYTES) << 20)))


def never_end(content: bytes) -> str:
    while True:
        pass


def end_the_process(content: bytes) -> str:
    raise SystemExit(3)


@pytest.mark.thorough
@pytest.mark.parametrize(
    "function, failure",
    [(hold_too_much, "MemoryError"), (never_end, "TooSlow"), (end_the_process, "ended with 3")],
)
def test_what_goes_beyond_the_limits_is_noticed(function, failure):
    assert failure in judged(b"", function).failure


@pytest.mark.thorough
def test_a_process_that_dies_takes_one_case_with_it():
    tally = run(Files(b"", b"", b""), range(3), function=end_the_process)
    assert sorted(tally.failures) == [0, 1, 2] and tally.total == 3


@pytest.mark.slow
def test_a_hundred_thousand_mutations():
    tally = run(Cases(1, list(SEEDS)), range(100_000), jobs=2)
    accepted(tally)
    assert tally.total == 100_000
