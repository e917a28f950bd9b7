"""A plan and what it costs, as facts for JSON and as text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from edgetune.cli.printer import Printer
from edgetune.guard import HeldOutGuard, RunningGuard
from edgetune.learn.program import Program
from edgetune.model.decode import quoted
from edgetune.model.ends import learnt
from edgetune.model.outputs import changing
from edgetune.plan.cost import Estimate
from edgetune.plan.kept import kept_gradients
from edgetune.plan.plan import Plan
from edgetune.plan.thrift import Price, together

PHASES = ("forward", "backward", "update")
HANGING = len("Flash: ")


def plan_facts(estimate: Estimate, prices: Sequence[Price] = ()) -> dict:
    """What ``--json`` prints of a plan: bytes, and instructions of one training step."""
    plan = estimate.plan
    return {
        "board": plan.board.name,
        "recipe": plan.recipe.as_dict(),
        "rate": plan.rule.rate,
        "loss": plan.program.loss.name,
        "trained": [layer.name for layer in plan.trained],
        **_other_outputs(plan),
        "gradients": _gradients(plan),
        "unmeasured": list(estimate.table.unmeasured),
        "flash_available": plan.flash_length,
        "store": _store_facts(plan),
        "ram_available": plan.board.ram.length,
        "guard": {"ram_bytes": 0, "pass_instructions": estimate.forward_instructions},
        "savings": [asdict(price) for price in prices],
        "cost": estimate.as_dict(),
    }


def _store_facts(plan: Plan) -> dict | None:
    """The flash that is kept free for what is learnt; bytes."""
    store = plan.board.store if plan.store else None
    return store and {
        "origin": store.origin, "length": store.length, "slot_bytes": store.capacity,
    }


def end_of(program: Program) -> str:
    """How many classes, labels or values, and the loss: "10 classes, softmax loss"."""
    return learnt(program.loss.name, program.loss.size)


def guard_facts(estimate: Estimate, steps: int, held: int | None) -> dict:
    """What the guard of a run of ``steps`` takes of a device: ``held`` samples judge it, or the
    running error.  Suspicions and ways back come on top."""
    share = estimate.forward_instructions / estimate.step_instructions
    passes = HeldOutGuard.passes(held, steps, share) if held else RunningGuard.passes(steps)
    return {
        "ram_bytes": 0, "pass_instructions": estimate.forward_instructions, "steps": steps,
        "held_out": held, "forward_passes": passes,
        "share_of_steps": round(share * passes / steps, 4),
    }


def show_plan(
    printer: Printer, estimate: Estimate, guard: dict | None = None, prices: Sequence[Price] = ()
) -> None:
    """Flash, RAM and instructions, then a line a layer; ``guard``: of a certain run; ``prices``:
    of what was given up for RAM."""
    board = estimate.plan.board
    printer.text(f"Board: {board.title}, {board.chip}, {board.core.name}")
    printer.wrapped(
        f"Flash: {estimate.flash_bytes:,} of {estimate.plan.flash_length:,} bytes: "
        f"code {estimate.code_bytes:,}, tables {estimate.table_bytes:,}, "
        f"weights {estimate.weight_bytes:,}",
        HANGING,
    )
    printer.wrapped(
        f"RAM:   {estimate.ram_bytes:,} of {board.ram.length:,} bytes: "
        f"arena {estimate.arena_bytes:,}, trained state {estimate.state_bytes:,}, "
        f"link {estimate.link_bytes:,}, other {estimate.static_bytes:,}, "
        f"stack at most {estimate.stack_bytes:,}",
        HANGING,
    )
    printer.wrapped(
        f"Step:  {estimate.step_instructions:,} instructions, "
        f"{estimate.forward_instructions:,} of them forward (not cycles; inputs without zeros)",
        HANGING,
    )
    printer.text(_run_words(guard) if guard else _guard_words(estimate))
    printer.text(
        f"Learns: {'' if estimate.plan.recipe.learns_weights else 'biases of '}"
        f"{len(estimate.plan.trained)} of {len(estimate.plan.program.layers)} layers, "
        f"{end_of(estimate.plan.program)}"
    )
    if any(gradients := _gradients(estimate.plan).values()):
        printer.wrapped(_gradient_words(*gradients), HANGING)
    for group in together(prices):
        printer.text(_price_words(group))
    if facts := _store_facts(estimate.plan):
        printer.text(
            f"Store: {facts['length']:,} bytes of flash from 0x{facts['origin']:08X} on, two "
            f"states of up to {facts['slot_bytes']:,} bytes (docs/store.md)"
        )
    if estimate.plan.program.graph.other_outputs:
        printer.wrapped(_output_words(estimate.plan), HANGING)
    if estimate.plan.cmsis_nn:
        printer.text(
            "Code, stack and instructions are those of the engine's own kernels: "
            "CMSIS-NN's are known after the build."
        )
    if estimate.table.unmeasured:
        printer.text(
            f"Code and stack are estimates until it is built: {board.core.name} was never "
            f"measured with {', '.join(estimate.table.unmeasured)}."
        )
    printer.text()
    _show_layers(printer, estimate)
    printer.text()


def _guard_words(estimate: Estimate) -> str:
    """The guard of a run works on the host; the device runs forward passes for it."""
    share = 100 * estimate.forward_instructions / estimate.step_instructions
    return (
        f"Guard: no RAM; a forward pass for it takes {share:.0f} % of a step (docs/learning.md)"
    )


def _price_words(group: Sequence[Price]) -> str:
    """Of choices that save RAM, a line each where only all of them do."""
    saved = sum(price.bytes for price in group)
    costs = sum(price.instructions for price in group)
    if saved < 0:
        said = f"Spent: {-saved:,} bytes of RAM, {-costs:,} instructions a step fewer"
    else:
        said = f"Saved: {saved:,} bytes of RAM for {costs:,} instructions a step"
    if len(group) == 1:
        return f"{said}: {group[0].what}"
    choices = "".join(f"\n{' ' * HANGING}{price.what}" for price in group)
    return f"{said}, by these {len(group)} together:{choices}"


def _run_words(guard: dict) -> str:
    by = f"by {guard['held_out']:,} held-out samples" if guard["held_out"] else (
        "by the running error"
    )
    return (
        f"Guard: no RAM; in {guard['steps']:,} steps up to {guard['forward_passes']:,} forward "
        f"passes {by}, {100 * guard['share_of_steps']:.1f} % of the steps' instructions"
    )


def _gradients(plan: Plan) -> dict[str, list[str]]:
    """Layers whose gradients are formed in blocks: where RAM is free these are kept."""
    found = kept_gradients(plan.schedule)
    return {
        "kept_whole": [name for name, kept in found.items() if kept],
        "formed_twice": [name for name, kept in found.items() if not kept],
    }


def _gradient_words(whole: list[str], twice: list[str]) -> str:
    words = [f"{len(whole)} kept whole in RAM that is free"] if whole else []
    if twice:
        words.append(f"for want of RAM formed twice: {', '.join(twice)}")
    return f"Gradients: {'; '.join(words)}"


def _other_outputs(plan: Plan) -> dict:
    """What becomes of the file's other outputs, where it has some."""
    changed, kept = changing(plan.program.graph, [layer.operator for layer in plan.trained])
    return {"changing_outputs": changed, "kept_outputs": kept} if changed or kept else {}


def _output_words(plan: Plan) -> str:
    """The output that learns, and what becomes of the others: they share layers with it or not."""
    graph, others = plan.program.graph, _other_outputs(plan)
    changed, kept = (", ".join(map(quoted, names)) for names in others.values())
    words = f"Output: {quoted(graph.output_name)}, one of {len(graph.other_outputs) + 1}"
    if changed:
        words += f"; with the layers that are trained, others change: {changed}"
    return words + (f"; these stay as they are: {kept}" if kept else "")


def _show_layers(printer: Printer, estimate: Estimate) -> None:
    """Bytes and instructions, layer by layer; buffers of different layers share memory."""
    counts = {(stage.layer, stage.phase): 0.0 for stage in estimate.stages}
    for stage in estimate.stages:
        counts[stage.layer, stage.phase] += stage.instructions
    trained = "yes" if estimate.plan.recipe.learns_weights else "biases"
    printer.table(
        ["layer", "trained", "weights B", "values B", "errors B", "scratch B", *PHASES],
        [
            [
                layer.layer, trained if layer.trained else "", layer.weights or None,
                layer.activations, layer.errors or None, layer.scratch or None,
                *(round(counts.get((layer.layer, phase), 0)) or None for phase in PHASES),
            ]
            for layer in estimate.layers
        ],
    )
