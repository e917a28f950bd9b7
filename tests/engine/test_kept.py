"""Going on from a kept state in C, for firmware without a host."""

import ctypes
import subprocess

import numpy as np
import pytest
from c_engine import COMPILER
from thinned import thinned
from tiny_tflite import ModelBuilder

from edgetune.boards import load_board
from edgetune.codegen.project import write_project
from edgetune.errors import DataError
from edgetune.learn.kept import HEAD, going_on, keep, state_id, state_of
from edgetune.learn.learner import Learner
from edgetune.learn.recipe import Recipe
from edgetune.model.read import read_tflite
from edgetune.plan.plan import make_plan

u32 = ctypes.c_uint32


class Kept(ctypes.Structure):
    _fields_ = [("state_id", u32), ("state_bytes", u32), ("check", u32)]


@pytest.fixture(name="model", scope="module", params=thinned(["adaptive", "niti"], 2))
def compiled_model(request, tmp_path_factory):
    """The plan of a small network, and its generated model with the engine as a library."""
    folder = tmp_path_factory.mktemp(request.param)
    b = ModelBuilder((1, 6, 6, 2), 1 / 40, -7, seed=8).conv(3, 3, activation="RELU")
    graph = read_tflite(b.mean().dense(5).softmax().build())
    plan = make_plan(graph, Recipe(rule=request.param), load_board("stm32f4-discovery"))
    project = write_project(folder, plan, "small")
    sources = [name for name in project.sources if "/link/" not in name and "/app/" not in name]
    defines = [f"-D{name}={value}" for name, value in project.defines.items()]
    flags = ["-std=gnu99", "-O1", "-fPIC", "-shared", "-Wall", "-Wextra", "-Werror", *defines]
    includes = [f"-I{name}" for name in (".", *project.includes)]
    command = [COMPILER, *flags, *includes, *sources, "-o", "model.so"]
    subprocess.run(command, check=True, cwd=folder)
    library = ctypes.CDLL(str(folder / "model.so"))
    library.et_model_keep.restype = Kept
    library.et_model_state.restype = ctypes.POINTER(ctypes.c_uint8)
    library.et_model_digest_full.restype = library.et_model_digest.restype = u32
    return plan, library


def learn(library, learner: Learner, steps: range) -> None:
    """The same samples in C and in numpy; after each step they agree."""
    x = ModelBuilder((1, 6, 6, 2)).random_inputs(40, seed=3)[:, 0]
    for i in steps:
        target = np.frombuffer(learner.program.loss.encode(i % 5), np.uint8).copy()
        library.et_model_train(*(a.ctypes.data_as(ctypes.c_void_p) for a in (x[i], target)))
        learner.train(x[i], i % 5)
        assert library.et_model_digest() == learner.digest() == library.et_model_digest_full()


@pytest.mark.parametrize("total_steps", [0, 12])
def test_a_kept_state_goes_on_in_c_as_in_numpy(model, total_steps):
    plan, library = model
    learner = Learner(plan.program, plan.recipe, 3, total_steps)
    library.et_model_start(3, total_steps)
    learn(library, learner, range(8))
    head = library.et_model_keep()
    block = bytes(library.et_model_state()[: plan.state_bytes])
    identity = state_id(plan.program, plan.recipe)
    assert bytes(head) + block == keep(identity, learner.state())  # as the host keeps it
    kept = b"\0" + state_of(bytes(head) + block, identity, plan.state_bytes)  # not aligned

    library.et_model_start(9, 5)
    wrong = Kept(head.state_id, head.state_bytes, head.check ^ 1)
    erased = Kept(*3 * [0xFFFFFFFF])
    digest = library.et_model_digest()
    for other in (wrong, erased, Kept(head.state_id, head.state_bytes - 4, head.check)):
        assert not library.et_model_continue(ctypes.byref(other), kept[1:], total_steps)
        assert library.et_model_digest_full() == digest == library.et_model_digest()
    spoilt = bytearray(kept[1:])
    for word in (5, len(spoilt) // 4 - 2):  # in two words the highest bit
        spoilt[4 * word + 3] ^= 0x80
    assert not library.et_model_continue(ctypes.byref(head), bytes(spoilt), total_steps)
    with pytest.raises(DataError) as refused:
        state_of(bytes(head) + bytes(spoilt), identity, plan.state_bytes)
    assert "checksum" in refused.value.cause

    at = ctypes.addressof(held := ctypes.create_string_buffer(kept)) + 1
    assert library.et_model_continue(ctypes.byref(head), ctypes.c_void_p(at), total_steps)
    further = Learner(plan.program, plan.recipe)
    further.load_state(going_on(learner.state(), total_steps))
    assert (further.step, held.raw[0]) == (0 if total_steps else 8, 0)
    learn(library, further, range(8, 18))
    assert HEAD.itemsize == ctypes.sizeof(Kept)


@pytest.mark.parametrize("model", ["adaptive"], indirect=True)
def test_what_there_was_to_learn_begins_anew_with_a_run_that_ends(model):
    plan, library = model
    learner = Learner(plan.program, plan.recipe, 3)
    library.et_model_start(3, 0)
    learn(library, learner, range(8))
    learner.rule.network.most_since = 2**24
    kept = keep(state_id(plan.program, plan.recipe), learner.state())
    head = Kept.from_buffer_copy(kept)
    assert library.et_model_continue(ctypes.byref(head), kept[HEAD.itemsize :], 12)
    further = Learner(plan.program, plan.recipe)
    further.load_state(going_on(learner.state(), 12))
    learn(library, further, range(8, 12))
    assert further.rule.network.most_since < 2**24
