"""``edgetune bench``: executed instructions of a training step, layer by layer."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from edgetune.boards import CORES
from edgetune.cli.options import model_argument, recipe_options
from edgetune.cli.printer import Printer
from edgetune.cli.verb import verb
from edgetune.data import load_data, stored_preprocessing
from edgetune.learn.lower import lower
from edgetune.learn.recipe import Recipe
from edgetune.model.graph import Graph
from edgetune.session.bench import PHASES, BenchResult, bench, bench_board
from edgetune.session.conversion import read_int8
from edgetune.session.job import targets_of
from edgetune.session.tools import check_tools

SAMPLES = 8


@verb("bench")
@model_argument
@recipe_options
@click.option("--core", type=click.Choice(list(CORES)), default="cortex-m4", show_default=True,
              help="What the firmware is compiled for.")
@click.option("--data", metavar="FILE.npz",
              help="Train on its tuning set; without it on random inputs without zeros.")
@click.option("--count", type=click.IntRange(1), default=SAMPLES, show_default=True,
              help="Training steps to take the mean of.")
def command(
    printer: Printer, model: str, recipe: Recipe, core: str, data: str | None, count: int
):
    """Count the instructions that QEMU executes for a training step of MODEL.

    They are instructions, not cycles, and exact: the same every time.
    """
    check_tools("qemu", bench_board(core))
    graph = read_int8(model, inputs=recipe.inputs)
    samples = _samples(graph, recipe, data)
    printer.note(f"Building and counting on {core}")
    with tempfile.TemporaryDirectory(prefix="edgetune-") as folder:
        result = bench(graph, recipe, core, Path(folder), samples, count, printer.reporter)
    printer.result = {"model": model} | result.as_dict()
    _show(printer, result)


def _samples(graph: Graph, recipe: Recipe, data: str | None):
    if data is None:
        return None
    stored = stored_preprocessing(graph)
    targets = targets_of(lower(graph, recipe.loss_choice).loss)
    dataset = load_data(data, graph.input, targets=targets, stored=stored)
    return dataset.tune_x, dataset.tune_y


def _show(printer: Printer, result: BenchResult):
    layers = list(dict.fromkeys(layer for layer, _, _ in result.stages))
    printer.table(["layer", *PHASES], [_row(result, layer) for layer in layers])
    printer.table(["phase", "instructions"], [
        *([name, round(result.phase(name))] for name in PHASES),
        ["whole step", round(result.step)],
    ])
    printer.text(
        f"Executed instructions, not cycles: mean of {result.samples} steps on {result.core} "
        f"({result.board} in QEMU), inputs: {result.inputs}."
    )


def _row(result: BenchResult, layer: str) -> list:
    counts = {
        phase: sum(n for name, other, n in result.stages if (name, other) == (layer, phase))
        for phase in PHASES
    }
    return [layer, *(round(counts[phase]) or None for phase in PHASES)]
