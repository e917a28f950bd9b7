"""A state that a host writes with a right CRC may hold anything: the firmware goes on, defined.

ASan and UBSan watch; what a device makes of such a state does not matter, that it does is enough.
"""

import numpy as np
import pytest
from learning import classifier

from edgetune.boards import load_board
from edgetune.build.files import write_build_files
from edgetune.build.project import build_project
from edgetune.codegen.project import write_project
from edgetune.device.host import HostDevice
from edgetune.learn.learner import Learner
from edgetune.learn.recipe import Recipe
from edgetune.learn.rules import RULES
from edgetune.link import Client
from edgetune.model.read import read_tflite
from edgetune.plan.plan import make_plan

EDGES = (0, 1, 2, 63, 64, 0x7F7F7F7F, 0x7FFFFFFF, 0x80000000, 0x80000001, 0xFFFFFFFF)
BOARD = "stm32f4-discovery"


def sanitized(plan, folder):
    project = write_project(folder, plan, "small")
    write_build_files(
        folder, plan.board, project.sources, project.defines, includes=project.includes
    )
    return build_project(folder, plan.board, "native", sanitize=True).elf


def hostile_states(plan, count: int):
    """Each word of the rule at each edge, all words at one edge, every byte 0x7f, and noise."""
    learner = Learner(plan.program, plan.recipe)
    right = np.frombuffer(learner.state(), "<u4").copy()
    for edge in EDGES:
        yield np.full_like(right, edge).tobytes()
    head = len(right) - sum(p.nbytes for p in learner.parameters()) // 4
    for at in range(min(head, 40)):
        for edge in EDGES:
            changed = right.copy()
            changed[at] = edge
            yield changed.tobytes()
    source = np.random.default_rng(5)
    for _ in range(count):
        noise = source.integers(0, 2**32, right.size, np.uint64).astype("<u4")
        yield np.where(source.random(right.size) < 0.3, noise, right).tobytes()


@pytest.mark.thorough
@pytest.mark.parametrize("rule, classes", [*((rule, 4) for rule in RULES), (Recipe.rule, 2)])
def test_any_state_is_learnt_from_without_undefined_behaviour(rule, classes, tmp_path):
    graph = read_tflite(classifier(classes).build())
    plan = make_plan(graph, Recipe(rule=rule), load_board(BOARD))
    program, source = plan.program, np.random.default_rng(3)
    sample = source.integers(-128, 128, plan.input_bytes).astype(np.int8).tobytes()
    with HostDevice(sanitized(plan, tmp_path)) as device:
        device.open()
        client = Client(device)
        client.hello()
        for number, state in enumerate(hostile_states(plan, 60)):
            try:
                client.write_state(state)
                for target in range(3):
                    client.train(sample, program.loss.encode(program.loss.any_target(target)))
                client.infer(sample)
                client.digest(full=True)
            except Exception as error:
                pytest.fail(f"state {number}: {error} {device.diagnosis()}")
