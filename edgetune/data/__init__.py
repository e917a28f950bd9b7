"""Data from where users keep it, brought into the model's input quantisation."""

from edgetune.data.dataset import Dataset, Split, load_data

__all__ = ["Dataset", "Split", "load_data"]
