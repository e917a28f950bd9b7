"""Boards: folders of data, read into `Board`."""

from edgetune.boards.board import BYTE_BITS, Board, Evidence, Region
from edgetune.boards.cores import CORES, Core
from edgetune.boards.geometry import FlashGeometry
from edgetune.boards.loader import board_argument, list_boards, list_own_boards, load_board

__all__ = [
    "BYTE_BITS",
    "CORES",
    "Board",
    "Core",
    "Evidence",
    "FlashGeometry",
    "Region",
    "board_argument",
    "list_boards",
    "list_own_boards",
    "load_board",
]
