"""Options that several verbs share."""

from __future__ import annotations

from dataclasses import fields
from functools import partial, wraps

import click

from edgetune.build.cmsis_nn import find_cmsis_nn
from edgetune.cli.verb import stack
from edgetune.data.preprocessing import FITS, ORDERS
from edgetune.guard import NONE, RUNNING
from edgetune.learn.draws import DRAWS
from edgetune.learn.losses import AUTO, LOSSES
from edgetune.learn.recipe import Recipe
from edgetune.learn.rules import RULES
from edgetune.session.job import Job
from edgetune.settings import DATA


class _Words(click.ParamType):
    """Words between commas, as a tuple."""

    def __init__(self, name: str):
        self.name = name

    def convert(self, value, param, ctx):
        if isinstance(value, tuple):
            return value
        return tuple(name.strip() for name in str(value).split(",") if name.strip())


words = _Words  # for verbs with lists of their own


class _Numbers(click.ParamType):
    """Numbers between commas, as a tuple: ``count`` of them, where it is given."""

    def __init__(self, kind: type = float, count: int | None = None, name: str = "NUMBER[,...]"):
        self._kind, self._count, self.name = kind, count, name

    def convert(self, value, param, ctx):
        if isinstance(value, tuple):
            return value
        try:
            numbers = tuple(self._kind(part) for part in str(value).split(","))
        except ValueError:
            self.fail(f"{value!r} is no {self.name}.", param, ctx)
        if self._count not in (None, len(numbers)):
            self.fail(f"{value!r} is no {self.name}.", param, ctx)
        return numbers


numbers = _Numbers  # for verbs with pairs of their own


class _Bytes(click.ParamType):
    """A number of bytes; K and M stand for 1024 and for its square."""

    name = "BYTES"

    def convert(self, value, param, ctx):
        text = str(value).upper()
        unit = {"K": 1 << 10, "M": 1 << 20}.get(text[-1:], 1)
        number = text if unit == 1 else text[:-1]
        if not number.isdigit() or not int(number):
            self.fail(f"{value!r} is no number of bytes, as 98304 or 96K.", param, ctx)
        return int(number) * unit


model_argument = click.argument("model")
board_option = click.option(
    "--board", required=True, metavar="BOARD",
    help="A name that `edgetune boards list` shows, or a folder with a board.toml.",
)
device_option = click.option(
    "--device", metavar="DEVICE",
    help="host, qemu, renode, auto, /dev/tty..., or id:SERIAL; without it the board's first "
    "emulator.",
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
_cmsis_nn = partial(
    click.option, "--cmsis-nn", envvar="EDGETUNE_CMSIS_NN", metavar="FOLDER|pack",
    help="CMSIS-NN's sources, for the forward operators; pack: the installed pack ARM::CMSIS-NN "
    "[EDGETUNE_CMSIS_NN].",
)
cmsis_nn_option = _cmsis_nn(
    callback=lambda ctx, parameter, place: find_cmsis_nn(place) if place else None
)
cmsis_nn_place_option = _cmsis_nn()  # as it was said, whether or not CMSIS-NN is there
output_option = click.option(
    "--output", metavar="NAME", help="Of a model with several outputs the one that counts: its "
    "name, or its number from 0, as `edgetune inspect` shows them.",
)
inputs_option = click.option(
    "--input", "inputs", multiple=True, metavar="NAME=VALUE|FILE.npy", help="Of a model with "
    "several inputs one that is always the same; all others come from the data (docs/data.md).",
)
out_option = click.option(
    "--out", type=click.Path(), metavar="FOLDER",
    help="Where the results go; without it a folder below build/ or runs/.",
)
flash_option = click.option(
    "--flash", is_flag=True, help="Write the firmware first, where a board on a serial port runs "
    "another; emulators and host are launched with it anyway."
)
store_option = click.option(
    "--store", is_flag=True, help="The firmware keeps what it learnt in the board's flash, over a "
    "power cut (docs/store.md).",
)
ram_option = click.option(
    "--ram", type=_Bytes(), metavar="BYTES", help="Take no more of the board's RAM, as 96K; what "
    "that costs, plan shows (docs/costs.md)."
)
baud_option = click.option(
    "--baud", type=click.IntRange(1), metavar="RATE", help="The most bits per second of the line "
    "to a board on a serial port; the board's own, mostly 115200: it is never raised. Without it "
    "as fast as board and adapter agree (docs/protocol.md)."
)
min_accuracy_option = click.option(
    "--min-accuracy", type=click.FloatRange(0, 1), metavar="SHARE",
    help="End with exit code 7 below this accuracy on the device, 0 to 1.",
)


def guard_options(function):
    """--guard and --no-guard, given to the verb as ``guard``: what `TuneSettings` takes."""

    @stack(
        click.option("--guard", metavar="FILE|SHARE", default=RUNNING, help="Judge what is learnt "
                     "by the samples of a file, read as --data is, or by a share of the tuning "
                     "samples that is then not trained on; without it by the error that runs "
                     "along."),
        click.option("--no-guard", is_flag=True, help="Keep the last weights, whatever they do."),
    )
    @wraps(function)
    def with_guard(*args, guard, no_guard, **given):
        return function(*args, guard=NONE if no_guard else guard, **given)

    return with_guard


_RECIPE = tuple(field.name for field in fields(Recipe))


def recipe_options(function):
    """--train, --output, --input, --rule, --rate, --draw, --reset and what says the loss, given
    to the verb as ``recipe``."""

    @stack(
        click.option("--train", "--layers", "layers", type=_Words("all|last:K|biases|NAME,..."),
                     default="all", show_default=True, help="What to train: all layers, the last, "
                     "the last K, none, of all layers the biases alone, or names as "
                     "`edgetune inspect` prints them."),
        output_option,
        click.option("--rule", type=click.Choice(list(RULES)), default=Recipe.rule,
                     metavar="RULE", show_default=True, help="What says how far a step goes "
                     f"(docs/learning.md): {', '.join(RULES)}."),
        click.option("--rate", type=float, help="Of the rule; adaptive: what a step is to win, "
                     "over the mean error, by default after the number of trained layers; fixed: "
                     "trials of a step over the root of the number of weights, likewise; "
                     "multinomial and multinomial-global: trials over the published number; "
                     "sgd-stochastic and sgd-nearest: the learning rate; niti: bits of the "
                     "largest step."),
        click.option("--null-mass", type=float, help="c of a multinomial, by default the "
                     "published 1."),
        click.option("--draw", type=click.Choice(list(DRAWS)), default=Recipe.draw,
                     show_default=True, help="How the steps of a sample are drawn."),
        click.option("--reset", is_flag=True, help="Zero the trained layers first."),
        click.option("--loss", type=click.Choice([AUTO, *LOSSES]), default=AUTO, show_default=True,
                     help="What is learnt by; auto: what the model's end says."),
        click.option("--class-weights", type=_Numbers(), default=(), metavar="NUMBER,...",
                     help="One a class, or one a label for its positive samples."),
        click.option("--label-smoothing", type=float, default=0.0, metavar="SHARE",
                     help="The share of a target that is spread over all outcomes, below 1."),
        inputs_option,
        click.option("--huber-delta", type=float, default=1.0, show_default=True,
                     help="Where the Huber error turns linear, in the outputs' unit."),
    )
    @wraps(function)
    def with_recipe(*args, **given):
        chosen = {name: given.pop(name) for name in _RECIPE}
        return function(*args, recipe=Recipe(**chosen), **given)

    return with_recipe


_declaration = stack(
    click.option("--part", metavar="NAME", help="The set NAME_x, NAME_y of an .npz."),
    click.option("--label-column", metavar="NAME|NUMBER",
                 help="Of a CSV, counted from 1; the last one without it."),
    click.option("--classes", type=_Words("NAME,..."),
                 help="The model's classes in its order; sorted by name without it."),
    click.option("--scale", type=_Numbers(), help="real value = scale * stored value + "
                 "offset; one number, or one a channel."),
    click.option("--offset", type=_Numbers(), help="See --scale."),
    click.option("--mean", type=_Numbers(), help="In place of --offset: "
                 "real value = scale * (stored value - mean)."),
    click.option("--order", type=click.Choice(ORDERS), help="Of a stored sample's dimensions: "
                 "chw, channels first; bgr, channels reversed."),
    click.option("--fit", type=click.Choice(FITS), help="Files of another size: resize for "
                 "images, the others for sounds. Without it they are refused."),
    click.option("--sample-rate", type=click.IntRange(1), metavar="HZ",
                 help="Of WAV files; that of the first without it."),
    click.option("--frame", type=_Numbers(int, 2, "LENGTH,HOP"),
                 help="Cut sounds into frames of so many values."),
    click.option("--window", type=_Numbers(int, 2, "ROWS,HOP"),
                 help="Cut a logger's CSV, a row a moment, into windows of so many rows."),
    click.option("--features", metavar="RECIPE", help="What the model reads of sounds: log-mel or "
                 "mfcc, and what differs from window=480,hop=320,bands=40 (docs/data.md)."),
)
_test_part = click.option(
    "--test-part", metavar="NAME", help="The set NAME_x, NAME_y of --test-data, or of --data."
)
also_option = click.option(
    "--also", multiple=True, metavar="NAME=SOURCE|PART", help="A further set that is measured as "
    "the test set is, to see what is forgotten: NAME=FILE.npz:PART takes PART_x, PART_y of it, "
    "PART alone that of --data, NAME=X.npy:Y.npy a pair. May be given several times "
    "(docs/runs.md).",
)
_SOURCES = (
    "An .npz, .npy or .csv file, a folder of images or WAV files for each class, or "
    "module:function (docs/data.md)."
)


def _as_data(function):
    """The options of `DATA` that a verb has, given to it as ``data``."""

    @wraps(function)
    def with_data(*args, **options):
        return function(*args, data=_taken(options), **options)

    return with_data


def _taken(options: dict) -> dict:
    """What `load_data` takes of a verb's ``options``, which are then without it."""
    return {name: options.pop(old) for old, name in DATA.items() if old in options}


def data_options(function, required: bool = True):
    """--data and all that says how it is read, for the job: below `job_options`."""
    return stack(
        click.option("--data", required=required, metavar="SOURCE", help=_SOURCES),
        click.option("--labels", metavar="FILE.npy", help="The labels of an .npy file."),
        click.option("--test-data", metavar="SOURCE", help="The test set, where --data has none."),
        click.option("--test-labels", metavar="FILE.npy", help="The labels of --test-data."),
        _test_part,
        click.option("--split", type=float, help="Without a test set: the share to tune on."),
        _declaration,
    )(function)


def calibration_options(function):
    """--data, whose labels are not looked at, and a labelled set; given to the verb as ``data``."""
    return stack(
        click.option("--data", metavar="SOURCE", help="Samples to calibrate by. " + _SOURCES),
        click.option("--test-data", metavar="SOURCE",
                     help="Labelled samples to compare float and int8 on."),
        click.option("--test-labels", metavar="FILE.npy", help="The labels of --test-data."),
        _test_part,
        _declaration,
    )(_as_data(function))


def job_options(function, model=model_argument):
    """MODEL, --board, --device, the recipe's options, --out and what data options the verb has,
    given to it as ``job``."""

    @stack(
        model, board_option, device_option, recipe_options, out_option, cmsis_nn_option,
        store_option, ram_option, baud_option,
    )
    @wraps(function)
    def with_job(
        printer, model, board, device, recipe, out, cmsis_nn, store, ram, baud, flash=False,
        also=(), **others
    ):
        job = Job(
            model, board, recipe, _taken(others) or None, device=device, out=out,
            cmsis_nn=cmsis_nn, flash=flash, reporter=printer.reporter, store=store, ram=ram,
            also=also, baud=baud,
        )
        return function(printer, job=job, **others)

    return with_job
