"""Lowering: from a Graph to the integer Program."""

from edgetune.learn.lower.lowering import lower

__all__ = ["lower"]
