"""What the firmware's C and the plan both know is one number, whatever compiles it."""

import pytest
from arm_objects import claim, refusals

from edgetune.boards import CORES
from edgetune.codegen.project import core_defines
from edgetune.plan.lines import cell_bytes
from edgetune.plan.workload import LAID
from edgetune.resources import resource_path

SOURCE = '#include "depthwise_conv_2d_lines.c"\n'


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_cells_are_as_wide_as_the_plan_has_room_for(compiler, tmp_path):
    """clang takes the plain twins of assembly; `__clang__` alone chooses them."""
    beside = [f"-I{resource_path('firmware') / 'engine'}"]
    beside += ["-D__clang__"] if compiler == "clang" else []
    for core in CORES.values():
        said = claim(f"sizeof(cell) == {cell_bytes(core)}")
        options = [*beside, *core.flags, *(f"-D{name}" for name in core_defines(core))]
        assert not refusals(tmp_path, SOURCE + said, options), core.name


def test_points_are_laid_so_many_at_a_time(tmp_path):
    core = CORES["cortex-m55"]
    options = [f"-I{resource_path('firmware') / 'engine'}", *core.flags]
    said = claim(f"ET_NOTED == {LAID}")
    assert not refusals(tmp_path, '#include "step.h"\n' + said, options)
