"""The arena of a forward pass on its own."""

import pytest
from branching import NETWORKS

from edgetune.boards import load_board
from edgetune.learn.recipe import Recipe
from edgetune.model.read import read_tflite
from edgetune.plan.arena import lay_out, peak
from edgetune.plan.forward import forward_plan
from edgetune.plan.plan import Plan, make_plan

ALIGNED = 8  # what the peak, a sum of sizes, does not know of


def forward_of(name: str) -> Plan:
    graph = read_tflite(NETWORKS[name]().build())
    return forward_plan(make_plan(graph, Recipe(), load_board("mps2-an386")))


@pytest.mark.parametrize("name", ["weighed", "normalised"])
def test_its_buffers_lie_as_tight_as_any_order_has_them(name):
    """Where the largest first leaves gaps."""
    plan = forward_of(name)
    inside = [b for b in plan.schedule.buffers if not b.outside]
    placed = {id(b): b.offset for b in inside}
    assert max(b.offset + b.size for b in inside) <= plan.arena_bytes < lay_out(inside)
    least, _ = peak(inside, plan.schedule.forward_count)
    assert plan.arena_bytes <= least + 2 * ALIGNED
    for one in inside:
        for other in inside:
            if one is not other and one.first <= other.last and other.first <= one.last:
                low, high = sorted((one, other), key=lambda b: placed[id(b)])
                assert placed[id(low)] + low.size <= placed[id(high)]
