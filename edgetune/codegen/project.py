"""Writes the C project of a plan: the model's own files and the firmware they call."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import replace
from pathlib import Path

from edgetune.boards import Core
from edgetune.codegen.model import model_source
from edgetune.codegen.weights import weights_header, weights_source
from edgetune.dataclass import dataclass
from edgetune.learn.rules import RULES, FixedRate, Rule
from edgetune.plan.kernels import kernel_sources
from edgetune.plan.lines import cell_bytes
from edgetune.plan.plan import Plan
from edgetune.plan.schedule import FRAME
from edgetune.plan.shapes import shape_defines
from edgetune.resources import resource_path

GENERATED = ("model.c", "weights.c")
PARTS = ("engine", "link", "app")
STORE = "store"  # a part of boards that keep what they learnt


@dataclass(frozen=True)
class Project:
    """What a build needs to know: C files and include folders relative to ``folder``, macros."""

    folder: Path
    sources: tuple[str, ...]
    includes: tuple[str, ...]
    defines: dict
    build_id: int


def write_project(folder: Path, plan: Plan, title: str, profile: bool = False) -> Project:
    """Write model.c, weights.c, their headers and the firmware's sources into ``folder``.

    Args:
        title: name of the model, for the first line of model.c.
        profile: count the ticks of every stage, for ``bench``.
    """
    copied = _copy_firmware(folder, plan)
    texts = {
        "model.c": model_source(plan, title),
        "weights.h": weights_header(plan),
        "weights.c": weights_source(plan),
        "model_config.h": _config(plan),
    }
    defines = _defines(plan, profile)
    build_id = _build_id(folder, texts, copied, defines)
    texts["model_config.h"] = _config(plan, build_id)
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    sources = (*GENERATED, *(name for name in copied if name.endswith(".c")))
    includes = tuple(f"firmware/{part}" for part in (*_parts(plan), "ports"))
    return Project(folder, sources, includes, defines, build_id)


def identified(project: Project, plan: Plan, others: bytes) -> Project:
    """``project`` with a build id that also covers ``others``: what is built with it and how."""
    known = project.build_id.to_bytes(4, "little")
    build_id = _four_bytes(hashlib.sha256(known + others).digest())
    text = _config(plan, build_id)
    (project.folder / "model_config.h").write_text(text, encoding="utf-8")
    return replace(project, build_id=build_id)


def _defines(plan: Plan, profile: bool) -> dict:
    defines = recipe_defines(plan)
    chosen = {"ET_PROFILE": profile, "ET_STORE": plan.store}
    return defines | {name: 1 for name, is_on in chosen.items() if is_on}


def recipe_defines(plan: Plan) -> dict:
    """The macros by which the engine is that of the recipe's rule and draw, of the model's shapes
    and of the core whose scratch was planned."""
    defines = core_defines(plan.board.core)
    if plan.recipe.draw == "independent":
        defines["ET_DRAW_INDEPENDENT"] = 1
    if not isinstance(plan.rule, FixedRate):
        defines[f"ET_RULE_{plan.rule.symbol.upper()}"] = 1
    return defines | shape_defines(plan)


def core_defines(core: Core) -> dict:
    """The macros that say what kernels keep in their scratch; a compiler may lack what the core
    has."""
    chosen = {"ET_VECTORS": core.lanes > 0, "ET_WIDE_CELLS": cell_bytes(core) > 1}
    return {name: 1 for name, is_on in chosen.items() if is_on}


def _parts(plan: Plan) -> tuple[str, ...]:
    """Folders of the firmware."""
    return (*PARTS, STORE) if plan.store else PARTS


def rule_sources(rule: Rule | type[Rule]) -> tuple[str, ...]:
    """The C files that a rule is made of."""
    return f"{rule.symbol}.c", *rule.sources


def engine_sources(plan: Plan) -> list[str]:
    """The engine's C files: those of the plan's rule and of the kernels that it calls, and what
    serves all."""
    kernels = (kernel for stage in plan.schedule.stages for kernel in stage.kernels)
    chosen = set(rule_sources(plan.rule)).union(*(kernel.sources for kernel in kernels))
    choices = kernel_sources().union(*map(rule_sources, RULES.values()))
    names = sorted(path.name for path in (resource_path("firmware") / "engine").glob("*.c"))
    return [name for name in names if name in chosen or name not in choices]


def _copy_firmware(folder: Path, plan: Plan) -> list[str]:
    root = resource_path("firmware")
    engine = [root / "engine" / name for name in engine_sources(plan)]
    rest = [path for part in _parts(plan)[1:] for path in sorted((root / part).glob("*.c"))]
    headers = [path for part in _parts(plan) for path in sorted((root / part).glob("*.h"))]
    copied = []
    for path in [*engine, *rest, *headers]:
        name = f"firmware/{path.relative_to(root).as_posix()}"
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, folder / name)
        copied.append(name)
    return copied


def _config(plan: Plan, build_id: int = 0) -> str:
    link = plan.link
    frames = [buffer.offset for buffer in plan.schedule.buffers if buffer.name == FRAME]
    place = f"#define ET_FRAME_AT {frames[0]}u\n" if frames else ""
    return (
        "/* Sizes that the link needs at compile time. */\n"
        "#ifndef ET_MODEL_CONFIG_H\n#define ET_MODEL_CONFIG_H\n\n"
        f"#define ET_BUILD_ID 0x{build_id:08x}u\n"
        f"#define ET_INPUT_BYTES {plan.input_bytes}u\n"
        f"#define ET_TARGET_BYTES {plan.program.loss.target_bytes}u\n"
        f"#define ET_OUTPUT_BYTES {plan.output_bytes}u\n"
        f"#define ET_FRAME_MAX {link.frame_max}u\n"
        f"#define ET_REPLY_MAX {link.reply_max}u\n"
        f"#define ET_RX_RING {link.rx_ring}u\n{place}\n#endif\n"
    )


def _build_id(folder: Path, texts: dict, copied: list[str], defines: dict) -> int:
    """Four bytes of SHA-256 over all that decides what the firmware does, but for its port."""
    digest = hashlib.sha256(repr(sorted(defines.items())).encode())
    for name in sorted(texts):
        digest.update(texts[name].encode())
    for name in sorted(copied):
        digest.update((folder / name).read_bytes())
    return _four_bytes(digest.digest())


def _four_bytes(digest: bytes) -> int:
    return int.from_bytes(digest[:4], "little")
