"""What a model costs on each core, where no board is named."""

from __future__ import annotations

from edgetune.boards import Board, list_boards, load_board
from edgetune.boards.cores import CORES
from edgetune.learn.recipe import Recipe
from edgetune.model.graph import Graph
from edgetune.plan.cost import Estimate, estimate
from edgetune.plan.plan import make_plan


def estimate_cores(graph: Graph, recipe: Recipe) -> dict[str, Estimate]:
    """By the core's name, what ``graph`` costs on the board of that core with the most RAM.

    Raises:
        ModelError: a layer whose sums could leave 32 bits.
    """
    return {
        core: estimate(make_plan(graph, recipe, board)) for core, board in _roomiest().items()
    }


def _roomiest() -> dict[str, Board]:
    """The board with the most RAM of each core that has one."""
    boards = sorted(map(load_board, list_boards()), key=lambda board: board.ram.length)
    found = {board.core.name: board for board in boards}
    return {core: found[core] for core in CORES if core in found}
