"""A step's instructions as planned are within 3 % of those counted, on ten networks and more."""

import pytest
from emulators import needs_gcc, needs_qemu

from edgetune.boards import CORES
from edgetune.session.cost_check import CostRow
from tools.plan_and_bench import NETWORKS, SHARE, Found, lines, measure

OFTEN = "dense", "deep"
STATIC, CODE = 64, 0.05  # bytes of variables that are not planned to the byte; of the image


def check(network, core, folder):
    try:
        graph = NETWORKS[network]()
    except FileNotFoundError:
        pytest.skip(f"the network {network} is not there")
    found = measure(network, graph, core, folder)
    assert abs(found.step.error) <= SHARE
    assert abs(found.ram.planned - found.ram.found) <= STATIC
    assert abs(found.flash.error) <= CODE


@needs_gcc
@needs_qemu
@pytest.mark.thorough
@pytest.mark.parametrize("network", OFTEN)
def test_a_plan_is_what_the_bench_counts(tmp_path, network):
    check(network, "cortex-m4", tmp_path)


@needs_gcc
@needs_qemu
@pytest.mark.slow
@pytest.mark.parametrize("core", [core for core in CORES if CORES[core].dsp])
@pytest.mark.parametrize("network", NETWORKS)
def test_every_plan_is_what_the_bench_counts(tmp_path, network, core):
    check(network, core, tmp_path)


def test_the_table_says_how_far_the_worst_is_off():
    image = CostRow("ram", 1000, 1000), CostRow("flash", 2200, 2000)
    near, far = (
        Found(name, "cortex-m4", CostRow("step", planned, 100_000), *image)
        for name, planned in (("near", 101_000), ("far", 96_000))
    )
    assert (near.missed, far.missed) == (False, True)
    told = lines([near, far])
    assert told[2] == ("| near | cortex-m4 | 101,000 | 100,000 | +1.0% | 1,000 | 1,000 | +0.0% "
                       "| 2,200 | 2,000 | +10.0% |")
    assert told[-1] == "2 rows, a step at most -4.0% off (far, cortex-m4)"
