"""Kernels that write over what they read, on emulated cores: the same bytes as with buffers of
their own, at the least distance that the plan may lay them out with."""

import pytest
from overlap_cases import WINDOWED, cases
from test_dsp_on_cores import SOURCES, SUPPORT, swept

SWEEP = SUPPORT / "overlap_sweep.c"
MORE = {
    "extreme.c", "lookup.c", "max_pool_2d.c", "mul.c", "prelu.c", "squared_difference.c",
}
HEADER = "overlap_cases.h"


def differing(folder, core, table) -> tuple[int, str]:
    """How many of the cases in ``table`` do, and the first one's kernel."""
    lines = "\n".join(case.c_text(role, distance) for case, role, distance in table)
    (folder / HEADER).write_text(f"static const overlap_case CASES[] = {{\n{lines}\n}};\n")
    found = swept(folder, core, SWEEP, [*SOURCES, *(MORE - {*SOURCES})], ROUNDS=1).split()
    return int(found[0]), found[1]


@pytest.mark.thorough
@pytest.mark.parametrize("core", ["M0+", "M3", "M4", "M55"])
def test_outputs_over_inputs_are_the_same(core, tmp_path):
    table = [(c, role, d) for c in cases() for role, d in c.distances.items()]
    assert differing(tmp_path, core, table) == (0, "none")


@pytest.mark.thorough
def test_more_than_a_position_nearer_is_seen(tmp_path):
    """What a position reads itself counts for it, so that one more byte reaches what the next one
    reads: of every kernel that goes by windows, in nearly all cases, where bytes may be alike."""
    near = [(c, role, d - 1 - (c.x if role == "e" else c.y)[2]) for c in cases()
            if c.kernel in WINDOWED for role, d in c.distances.items()]
    table = [one for one in near if one[2] >= 0]
    assert {c.kernel for c, _, _ in table} == {*WINDOWED}
    count, _ = differing(tmp_path, "M4", table)
    assert count > 0.8 * len(table) > 20
