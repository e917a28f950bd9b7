"""Writes a library: the engine's part of it, the generated files, and what its form adds."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from edgetune.codegen.library.engine import needed_files, renamed
from edgetune.codegen.library.forms import FORMS, Facts
from edgetune.codegen.library.headers import config_header, product_header
from edgetune.codegen.library.names import check_prefix
from edgetune.codegen.model import Shape, model_source
from edgetune.codegen.weights import weights_header, weights_source
from edgetune.dataclass import dataclass
from edgetune.errors import UsageError
from edgetune.learn.kept import state_id
from edgetune.plan.forward import forward_plan
from edgetune.plan.plan import Plan
from edgetune.resources import resource_path

LISTED = "library.txt"  # the files of a library, so that the next one written there can replace it
PUBLIC = ("edgetune.h", "edgetune_float.h")
LINK_VARIABLES = 128  # bytes at most that the link has beside its buffers
VARIABLES = 128  # bytes at most of what a library has beside arena, state and a word a layer


@dataclass(frozen=True)
class Wanted:
    """What of a model becomes a library.

    ``form``: a name of `FORMS`.  ``prefix``: the model's name in C.  ``inference_only``: the
    forward pass alone.  ``between``: predictions between the slices of a step, by the weights
    before it, which takes RAM.  ``link``: with the server, for a host.  ``classes``: their names,
    if any.
    """

    form: str
    prefix: str
    inference_only: bool = False
    between: bool = False
    link: bool = False
    classes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Library:
    """What was written: ``files``, relative to ``folder``, and bytes.

    ``ram_bytes``: all but the stack; ``weight_bytes`` and ``table_bytes``: of flash.  ``costs``:
    instructions of each stage of a step, estimated; none where it only runs.
    """

    folder: Path
    files: tuple[str, ...]
    plan: Plan
    wanted: Wanted
    ram_bytes: int
    weight_bytes: int
    table_bytes: int
    costs: tuple[int, ...]


def write_library(
    folder: Path, plan: Plan, title: str, wanted: Wanted, costs: Sequence[float] = (),
) -> Library:
    """Write the library of ``plan`` into ``folder``; one that was there before is replaced.

    Args:
        title: the model's name.
        costs: instructions of each stage of the plan.

    Raises:
        UsageError: ``folder`` holds other files than a library's, or a name cannot be one.
    """
    check_prefix(wanted.prefix)
    learns = bool(plan.trained) and not wanted.inference_only
    rounded = tuple(max(1, round(cost)) for cost in costs) if learns else ()
    plan = plan if learns else forward_plan(plan)
    aside = forward_plan(plan, "aside_") if learns and wanted.between else None
    made = {
        "model.c": model_source(
            plan, title, Shape.SLICES if learns else Shape.INFERENCE, costs=rounded, aside=aside
        ),
        "weights.h": weights_header(plan), "weights.c": weights_source(plan),
    }
    if wanted.link and not learns:
        raise UsageError(
            "A library that only runs has no link.", "The link is there to learn by.",
            "Leave --link out, or --inference-only and --train none.",
        )
    api = ["learning.c", *(["link.c"] if wanted.link else [])] if learns else ["inference.c"]
    ram = _ram(plan, aside) + (plan.link.total + LINK_VARIABLES if wanted.link else 0)
    engine = needed_files(plan, made | {"model_config.h": ""}, api, wanted.link)
    made["model_config.h"] = config_header(
        plan, wanted.prefix, title, build_id=library_id(plan), stages=len(rounded),
        between=bool(aside), link=wanted.link,
    )
    sources = {n: renamed(t, wanted.prefix) for n, t in sorted((engine | made).items())}
    names = (*PUBLIC, "edgetune_link.h") if wanted.link else PUBLIC
    public = {name: _public(name) for name in names}
    public[f"{wanted.prefix}.h"] = product_header(
        plan, wanted.prefix, title, costs=rounded, classes=wanted.classes, ram=ram,
        learns=learns, link=wanted.link,
    )
    library = Library(
        folder, (), plan, wanted, ram, plan.initial_bytes + plan.frozen_bytes, plan.table_bytes,
        rounded,
    )
    facts = Facts(library, title, public, sources)
    texts = FORMS[wanted.form](facts)
    _write(folder, texts)
    return Library(**(vars(library) | {"files": tuple(sorted(texts))}))


def _ram(plan: Plan, aside: Plan | None) -> int:
    """An upper bound of all variables, in bytes."""
    between = aside.arena_bytes + plan.parameters_type.itemsize if aside else 0
    words = 4 * sum(s.phase == "backward" for s in plan.schedule.stages)
    return plan.arena_bytes + plan.state_bytes + between + words + VARIABLES


def library_id(plan: Plan) -> int:
    """What a library of ``plan`` tells a host in the place of a build id: which states it has, for
    the product around it is nobody's to know."""
    state = state_id(plan.program, plan.recipe).to_bytes(4, "little")
    return int.from_bytes(hashlib.sha256(b"edgetune library" + state).digest()[:4], "little")


def _public(name: str) -> str:
    path = resource_path("firmware") / "include" / "edgetune" / name
    return path.read_text(encoding="utf-8")


def _write(folder: Path, texts: Mapping[str, str]) -> None:
    """Replace the library in ``folder``."""
    listed = folder / LISTED
    if listed.is_file():
        for name in listed.read_text(encoding="utf-8").splitlines():
            path = folder / name
            if path.resolve().is_relative_to(folder.resolve()) and path.is_file():
                path.unlink()
    elif folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(
            f"{folder} holds something else than a library.",
            f"It is not empty, and has no {LISTED}, by which a library that edgetune wrote is "
            "known.", "Name another folder, or empty it.",
        )
    for name, text in texts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    listed.write_text("".join(f"{name}\n" for name in sorted(texts)), encoding="utf-8")
