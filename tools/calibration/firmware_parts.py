"""The firmware's parts on one core, from builds that hold every operator."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from edgetune.boards import Board, Core, list_boards, load_board
from edgetune.build.ports import CORTEX_M
from edgetune.learn.draws import DRAWS
from edgetune.learn.recipe import BIASES, Recipe
from edgetune.learn.rules import RULES
from edgetune.plan.plan import Plan, make_plan
from edgetune.plan.shapes import NARROWING
from tools.calibration.calls import read_assembly_frame, read_frames, read_pointers
from tools.calibration.models import FIXED, everything, layers_of, losses, plain
from tools.calibration.project import compile_plan, compile_ports
from tools.calibration.sections import Section, read_object

# Sized by the plan, not here.
MODEL_CALLS = {"et_model_forward", "et_model_train", "et_model_accepts"}
PLANNED = MODEL_CALLS | {"et_vectors", "server.c:frame", "server.c:replies", "rx_ring.c:ring"}
MODEL_DATA = {"et_model", "model.c:parameter_digest"}  # of one size in every model
LINKER_SYMBOLS = re.compile(r"et_(stack|data|bss)_")
OF_A_RULE = (
    "update.c", "update_blocks.c", "update_factored.c", "update_biases.c", "update_steps.c",
    "row_mass.c",
    "softmax_echo.c", "scaled.c", "sgd.c",
    *(f"{rule.symbol}.c" for rule in RULES.values()),
)
MEMBER = re.compile(r"^(/\S+\.a)\((\S+\.o)\)$", re.MULTILINE)


def firmware_parts(core: Core, folder: Path) -> dict:
    """Name -> facts of each part, by where it comes from.

    "common" serves every board and recipe; "ports" holds the parts of each port source, "draws"
    and "rules" those that a draw or a rule of the recipe replaces, "shapes" those that the macros
    of `edgetune.plan.shapes` do.
    """
    board = replace(load_board("mps2-an386"), core=core)
    builds = {
        draw: _build(replace(FIXED, draw=draw), board, folder / f"{core.name}-{draw}")
        for draw in DRAWS
    }
    whole = builds[Recipe.draw]
    rules = {
        rule: whole if rule == FIXED.rule
        else _build(Recipe(rule=rule), board, folder / f"{core.name}-{rule}")
        for rule in RULES
    }
    common = _portable(board, folder) | _common(whole, board) | _losses(board, folder)
    return {
        "common": common,
        "ports": _ports(core, _without(whole, board.port_sources), folder),
        "draws": {draw: _of_a_draw(draw, sections) for draw, sections in builds.items()},
        "rules": {
            rule: _of_rule(sections) | _of_rule(_biases(rule, board, folder))
            for rule, sections in rules.items()
        },
        "shapes": {
            "+".join(macros): _narrowed(macros, common, board, folder)
            for macros in (NARROWING, *((macro,) for macro in NARROWING))
        },
    }


def _portable(board: Board, folder: Path) -> dict:
    """The kernels that the plan falls back on where others do not fit."""
    core = board.core
    name, without = f"{core.name}-portable", replace(board, core=replace(core, dsp=False))
    plan = make_plan(everything(), Recipe(), without)
    plan = make_plan(everything(), Recipe(), without, savings=plain(plan.program))
    return _common(_firmware_sections(plan, folder / name), board)


def _narrowed(macros: tuple[str, ...], common: dict, board: Board, folder: Path) -> dict:
    """The parts that the macros change."""
    name = "-".join((board.core.name, *macros))
    sections = _firmware_sections(make_plan(everything(), FIXED, board), folder / name, macros)
    found = _common(sections, board)
    return {part: facts for part, facts in found.items() if facts != common.get(part)}


def _common(sections: list[Section], board: Board) -> dict:
    """What neither the board, the draw nor the rule replaces."""
    return {
        name: facts
        for file, parts in _resolve(sections).items()
        if file not in board.port_sources and file != "draw.c" and file not in OF_A_RULE
        for name, facts in parts.items()
    }


def _of_a_draw(draw: str, sections: list[Section]) -> dict:
    """The factored update is one with each draw; that of the default belongs to the rules."""
    files = _resolve(sections)
    own = {} if draw == Recipe.draw else files["update_factored.c"]
    return files["draw.c"] | own


def _ports(core: Core, common: list[Section], folder: Path) -> dict:
    """Port source -> its parts, for the sources of all boards, whatever core those have."""
    found = {}
    for board in _a_board_for_each_port():
        objects = compile_ports(replace(board, core=core), folder / f"{core.name}-{board.name}")
        parts = _resolve([*common, *_without(_sections(objects), CORTEX_M)])
        found |= {file: parts.get(file, {}) for file in board.port_sources}
    return found


def _a_board_for_each_port():
    boards = {load_board(name).port_sources: load_board(name) for name in list_boards()}
    return [boards[sources] for sources in sorted(boards)]


def _without(sections: list[Section], files: Iterable[str]) -> list[Section]:
    return [section for section in sections if section.file not in files]


def _losses(board: Board, folder: Path) -> dict:
    """The parts of the losses, and of the ends that go with them, that the model of everything
    does not have."""
    found: dict = {}
    known = layers_of([everything()])
    for number, (graph, recipe) in enumerate(losses()):
        plan = make_plan(graph, recipe, board)
        sections = _firmware_sections(plan, folder / f"{board.core.name}-loss-{number}")
        ends = [layer.kind for layer in plan.program.layers if layer.kind not in known]
        for kind in (plan.program.loss.kind, *ends):
            found |= _resolve(sections)[f"{kind}.c"]
    return found


def _biases(rule: str, board: Board, folder: Path) -> list[Section]:
    """The firmware that moves biases alone."""
    name = f"{board.core.name}-{rule}-biases"
    return _build(Recipe(BIASES, rule=rule), board, folder / name)


def _of_rule(sections: list[Section]) -> dict:
    """The parts that look at the rule's constants, or are the rule itself."""
    files = _resolve(sections)
    return {name: facts for file in OF_A_RULE for name, facts in files.get(file, {}).items()}


def _build(recipe: Recipe, board: Board, folder: Path) -> list[Section]:
    """The firmware of a model that has everything."""
    return _firmware_sections(make_plan(everything(), recipe, board), folder)


def _firmware_sections(
    plan: Plan, folder: Path, macros: Iterable[str] = ()
) -> list[Section]:
    objects = compile_plan(plan, folder, macros)
    return [*_sections(objects), *_library_sections(folder / "build" / "firmware.map")]


def _sections(objects: Path) -> list[Section]:
    """Of each object; those of port sources are named by their path below firmware/ports."""
    return [s for path in sorted(objects.rglob("*.o")) for s in _own_sections(path, objects)]


def _own_sections(path: Path, objects: Path) -> Iterator[Section]:
    frames = read_frames(path.with_suffix(".su"))
    pointers = read_pointers(path.with_suffix(".ci"))
    source = path.relative_to(objects).with_suffix(".c").as_posix()
    for section in read_object(f"{path.stem}.c", path.read_bytes()):
        if section.function:
            section.frame = frames.get(section.function_name, 0)
            section.pointers = pointers.get(section.function_name, [])
        if source.startswith("firmware/ports/"):
            section.file = source.removeprefix("firmware/ports/")
        yield section


def _library_sections(map_file: Path) -> Iterator[Section]:
    """Of each library member that the linker took."""
    listed = map_file.read_text(encoding="utf-8").split("Discarded input sections")[0]
    for archive, member in sorted(set(MEMBER.findall(listed))):
        command = ["arm-none-eabi-ar", "p", archive, member]
        content = subprocess.run(command, capture_output=True, check=True).stdout
        frame = read_assembly_frame(content)
        for section in read_object(member, content):
            section.frame = frame if section.function else 0
            yield section


def _resolve(sections: list[Section]) -> dict[str, dict]:
    """Symbols become names of sections; a weak one gives way."""
    kept: dict[str, Section] = {}
    owner: dict[str, str] = {}
    for section in sorted(sections, key=lambda section: section.weak):
        kept.setdefault(section.name, section)
        for symbol in section.symbols:
            owner.setdefault(symbol, section.name)
    by_file: dict[str, dict] = {}
    known = {name for name, section in kept.items() if not _belongs_to_model(section)}
    for name in sorted(known):
        section = kept[name]
        needs = {owner.get(need, need) for need in section.needs} - {name}
        unknown = {n for n in needs if n not in kept and not LINKER_SYMBOLS.match(n)}
        if unknown:
            raise ValueError(f"{name} needs {', '.join(sorted(unknown))}: not found")
        needs &= known | MODEL_CALLS
        by_file.setdefault(section.file, {})[name] = _facts(section, sorted(needs))
    return by_file


def _belongs_to_model(section: Section) -> bool:
    """Whether the plan, not the table, says what it is: tables, weights, calls, adapters."""
    if section.file != "model.c":
        return section.file == "weights.c" or section.name in PLANNED
    data = not section.function and section.name not in MODEL_DATA
    return data or section.name in PLANNED or section.name.endswith("_row")


def _facts(section: Section, needs: list[str]) -> dict:
    facts = {
        "flash": section.flash, "ram": section.ram, "frame": section.frame,
        "pointers": section.pointers, "needs": needs,
    }
    return {key: value for key, value in facts.items() if value}
