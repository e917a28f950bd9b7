"""Data from where users keep it, brought into the model's input quantisation."""

from edgetune.data.dataset import Dataset, load_data, load_samples
from edgetune.data.preprocessing import Preprocessing
from edgetune.data.split import Split

__all__ = ["Dataset", "Preprocessing", "Split", "load_data", "load_samples"]
