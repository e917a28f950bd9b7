"""Options that several verbs share."""

from __future__ import annotations

from functools import wraps
from pathlib import Path

import click

from edgetune.build.cmsis_nn import check_cmsis_nn
from edgetune.cli.job import Job
from edgetune.cli.verb import stack
from edgetune.learn.recipe import Recipe
from edgetune.learn.rule import DRAWS


class _Layers(click.ParamType):
    name = "all|last|NAME,..."

    def convert(self, value, param, ctx):
        if isinstance(value, tuple):
            return value
        return tuple(name.strip() for name in str(value).split(",") if name.strip())


model_argument = click.argument("model")
board_option = click.option(
    "--board", required=True, metavar="BOARD", help="A name that `edgetune boards list` shows, "
    "or a folder with a board.toml."
)
device_option = click.option(
    "--device", metavar="DEVICE", help="host, qemu, renode, auto, /dev/tty..., or id:SERIAL; "
    "without it the board's first emulator."
)
seed_option = click.option(
    "--seed", type=click.IntRange(0, 2**32 - 1), default=0, show_default=True,
    help="Of the order of samples and of the draws.",
)
samples_option = click.option(
    "--samples", type=click.IntRange(1), help="How many of the tuning set; all without it."
)
passes_option = click.option(
    "--passes", type=click.IntRange(1), default=2, show_default=True,
    help="How often the tuning set is gone through.",
)
cmsis_nn_option = click.option(
    "--cmsis-nn", type=click.Path(path_type=Path), envvar="EDGETUNE_CMSIS_NN", metavar="FOLDER",
    callback=lambda ctx, parameter, folder: check_cmsis_nn(folder) if folder else None,
    help="CMSIS-NN's sources, for the forward operators [EDGETUNE_CMSIS_NN].",
)
out_option = click.option(
    "--out", type=click.Path(), metavar="FOLDER",
    help="Where the results go; without it a folder below build/ or runs/.",
)
min_accuracy_option = click.option(
    "--min-accuracy", type=click.FloatRange(0, 1), metavar="SHARE",
    help="End with exit code 7 below this accuracy on the device, 0 to 1.",
)


def recipe_options(function):
    """--layers, --rate, --draw and --reset, given to the verb as ``recipe``."""

    @stack(
        click.option("--layers", type=_Layers(), default="all", show_default=True,
                     help="What to train: names as `edgetune inspect` prints them."),
        click.option("--rate", type=float, help="Trials of a step over the root of the number "
                     "of weights; the default follows the number of trained layers."),
        click.option("--draw", type=click.Choice(list(DRAWS)), default=Recipe.draw,
                     show_default=True, help="How the steps of a sample are drawn."),
        click.option("--reset", is_flag=True, help="Zero the trained layers first."),
    )
    @wraps(function)
    def with_recipe(*args, layers, rate, draw, reset, **others):
        return function(*args, recipe=Recipe(layers, rate, draw, reset), **others)

    return with_recipe


def data_options(function):
    """--data, --split, --scale and --offset, given to the verb as ``data``: what `load_data`
    takes beside the model."""

    @stack(
        click.option("--data", required=True, metavar="FILE.npz",
                     help="tune_x, tune_y, test_x, test_y; or x and y with --split."),
        click.option("--split", type=float, help="The share of x, y to tune on."),
        click.option("--scale", type=float, help="real value = scale * stored value + offset"),
        click.option("--offset", type=float, help="See --scale."),
    )
    @wraps(function)
    def with_data(*args, data, split, scale, offset, **others):
        facts = {"path": data, "split": split, "scale": scale, "offset": offset}
        return function(*args, data=facts, **others)

    return with_data


def job_options(function, model=model_argument):
    """MODEL, --board, --device, the recipe's options and --out, given to the verb as ``job``."""

    @stack(model, board_option, device_option, recipe_options, out_option, cmsis_nn_option)
    @wraps(function)
    def with_job(*args, model, board, device, recipe, out, cmsis_nn, **others):
        job = Job(model, board, device, recipe, out, cmsis_nn)
        return function(*args, job=job, **others)

    return with_job
