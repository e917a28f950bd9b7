"""``edgetune library``: the model and the engine for a product's own firmware."""

from __future__ import annotations

from pathlib import Path

import click

from edgetune.boards.bare import bare_core
from edgetune.boards.cores import CORES
from edgetune.cli.options import model_argument, ram_option, recipe_options, words
from edgetune.cli.printer import Printer
from edgetune.cli.verb import verb
from edgetune.codegen.library import FORMS, Library, Wanted, check_prefix
from edgetune.errors import UsageError
from edgetune.learn.recipe import Recipe
from edgetune.session.job import Job


@verb("library")
@model_argument
@click.option("--as", "form", type=click.Choice(list(FORMS)), required=True,
              help="The build system that takes it.")
@click.option("-o", "--out", required=True, type=click.Path(path_type=Path), metavar="FOLDER",
              help="Where it goes: a new folder, an empty one, or one of an earlier library.")
@click.option("--board", metavar="BOARD", help="A name that `edgetune boards list` shows, or a "
              "folder with a board.toml: kernels for its core, and its memory is not exceeded.")
@click.option("--core", type=click.Choice(list(CORES)), help="In place of a board, a core alone; "
              "--ram says how much memory there is.")
@click.option("--prefix", metavar="NAME", help="The model's name in C; without it made of the "
              "file's name.")
@click.option("--inference-only", is_flag=True, help="It runs and does not learn.")
@click.option("--predict-between", is_flag=True, help="Predictions between the slices of a step, "
              "by the weights before it, for more RAM.")
@click.option("--link", is_flag=True, help="With the server, so that edgetune can tune and verify "
              "the model in the product.")
@click.option("--classes", type=words("NAME,..."), default=(), help="Their names, in the model's "
              "order, for the header.")
@recipe_options
@ram_option
def command(printer: Printer, model: str, form: str, out: Path, board: str | None,
            core: str | None, prefix: str | None, inference_only: bool, predict_between: bool,
            link: bool, classes: tuple[str, ...], recipe: Recipe, ram: int | None):
    """Write MODEL and the engine as a library for firmware of your own (docs/your-firmware.md)."""
    if bool(board) == bool(core):
        raise UsageError(
            "A library is made for a board or for a core.",
            "Both are named." if board else "Neither is named.",
            "Name one: --board stm32f4-discovery, or --core cortex-m4",
        )
    if prefix:
        check_prefix(prefix)
    target = bare_core(core) if core else board
    assert target
    job = Job(model, target, recipe, reporter=printer.reporter, ram=ram)
    wanted = Wanted(form, prefix or "", inference_only, predict_between, link, classes)
    library = job.library(out, wanted)
    printer.result = facts_of(library)
    show(printer, library)


def facts_of(library: Library) -> dict:
    """What ``--json`` prints; bytes and estimated instructions."""
    plan, costs = library.plan, library.costs
    return {
        "folder": str(library.folder), "form": library.wanted.form,
        "prefix": library.wanted.prefix, "core": plan.board.core.name,
        "arena_bytes": plan.arena_bytes, "state_bytes": plan.state_bytes,
        "ram_bytes": library.ram_bytes, "weight_bytes": library.weight_bytes,
        "table_bytes": library.table_bytes, "stages": len(costs),
        "step_instructions": sum(costs), "longest_stage": max(costs, default=0),
        "files": list(library.files),
    }


def show(printer: Printer, library: Library) -> None:
    plan, costs = library.plan, library.costs
    printer.text(f"Library {library.wanted.prefix}: {library.folder}, {len(library.files)} files.")
    printer.text(
        f"RAM: at most {library.ram_bytes:,} bytes beside the stack: arena {plan.arena_bytes:,}, "
        f"state {plan.state_bytes:,}. Flash: weights {library.weight_bytes:,}, tables "
        f"{library.table_bytes:,}, and the code."
    )
    if costs:
        printer.text(
            f"A step: {len(costs)} stages, {sum(costs):,} instructions by estimate; the longest "
            f"stage, which no slice is shorter than, {max(costs):,}."
        )
