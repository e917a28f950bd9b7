"""A product with the link is a device like any other."""

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from cli_runner import MODEL, edgetune
from libraries import CLASSES, WARNINGS, costs_of, images

from edgetune.boards import load_board
from edgetune.build.project import Build
from edgetune.codegen.library import Wanted, write_library
from edgetune.errors import LinkError
from edgetune.learn.recipe import Recipe
from edgetune.model.read import read_tflite
from edgetune.plan.plan import make_plan
from edgetune.session.connection import connect
from edgetune.session.firmware import Firmware, generate
from edgetune.session.reporter import Reporter
from edgetune.session.simulation import new_learner

MAIN = Path(__file__).with_name("linked.c")


@pytest.fixture(name="product", scope="module")
def product_with_the_link(tmp_path_factory) -> Firmware:
    """The product in the place of the server's image."""
    if not shutil.which("gcc"):
        pytest.skip("no C compiler")
    folder = tmp_path_factory.mktemp("linked")
    plan = make_plan(read_tflite(images().build()), Recipe(), load_board("stm32f4-discovery"))
    write_library(folder / "lib", plan, "small", Wanted("sources", "small", link=True),
                  costs_of(plan))
    sources = map(str, sorted((folder / "lib" / "src").glob("*.c")))
    subprocess.run(["gcc", "-std=gnu99", "-O1", *WARNINGS, f"-I{folder / 'lib' / 'include'}",
                    str(MAIN), *sources, "-o", str(folder / "product")], check=True)
    project = generate(plan, folder / "server", "small", native=True)
    return Firmware(plan, project, Build(folder / "product", None, None))


def test_the_host_learns_through_a_product_s_link(product):
    plan, x = product.plan, images().random_inputs(20, seed=3)[:, 0]
    learner, encode = new_learner(plan, 5, 12), plan.program.loss.encode
    with connect(product, "host", Reporter()) as client:
        assert client.start(5, 12) == learner.digest()
        samples = [(x[i].tobytes(), encode(i % CLASSES)) for i in range(12)]
        for i, result in enumerate(client.train_many(samples)):
            told = learner.train(x[i], i % CLASSES)
            assert (result.digest, result.prediction) == (learner.digest(), told.prediction)
        assert client.read_state() == learner.state()
        assert client.digest(full=True) == learner.digest()


def test_a_library_of_another_recipe_is_refused(product):
    other = make_plan(product.plan.program.graph, Recipe(rule="fixed"), product.plan.board)
    with pytest.raises(LinkError, match="other firmware"), connect(
        replace(product, plan=other), "host", Reporter()
    ):
        pass


def test_what_only_runs_has_no_link(tmp_path):
    outcome = edgetune("library", MODEL, "--as", "sources", "-o", tmp_path / "lib", "--core",
                       "cortex-m4", "--link", "--inference-only")
    assert outcome.code == 2 and "has no link" in outcome.stderr
