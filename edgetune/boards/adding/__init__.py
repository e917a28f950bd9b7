"""Makes the folder of a board from a part's description and a board that comes with edgetune."""

from edgetune.boards.adding.add import AddedBoard, add_board
from edgetune.boards.adding.draft import Draft, draft_board
from edgetune.boards.adding.wishes import BoardWishes

__all__ = ["AddedBoard", "Draft", "BoardWishes", "add_board", "draft_board"]
