"""Data from where users keep it, brought into the model's input quantisation."""

from typing import TYPE_CHECKING

from edgetune.homes import at_first_use

if TYPE_CHECKING:
    from edgetune.data.arrays import Arrays
    from edgetune.data.dataset import Dataset, load_data, load_labelled, load_samples
    from edgetune.data.preprocessing import Preprocessing
    from edgetune.data.split import Split
    from edgetune.data.stored import preprocessing_note, stored_preprocessing
    from edgetune.data.targets import Targets

__all__ = [
    "Arrays", "Dataset", "Preprocessing", "Split", "Targets", "load_data", "load_labelled",
    "load_samples", "preprocessing_note", "stored_preprocessing",
]  # fmt: skip

__getattr__ = at_first_use(__name__, {
    "arrays": ("Arrays",),
    "dataset": ("Dataset", "load_data", "load_labelled", "load_samples",),
    "preprocessing": ("Preprocessing",),
    "split": ("Split",),
    "stored": ("preprocessing_note", "stored_preprocessing",),
    "targets": ("Targets",),
})  # fmt: skip
