"""Writes firmware to a board: one small class a tool, one interface."""

from edgetune.flash.base import Flasher, Written
from edgetune.flash.image import FlashImage
from edgetune.flash.select import choose_flasher

__all__ = ["FlashImage", "Flasher", "Written", "choose_flasher"]
