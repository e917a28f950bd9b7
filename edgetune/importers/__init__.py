"""Pretrained models of other makers' formats, read as the float Graph of ``model``."""
