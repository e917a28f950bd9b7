"""Least squares with coefficients that are not negative: a cost never is."""

from __future__ import annotations

import numpy as np
from scipy.optimize import nnls


def fit(rows: list[dict], target: np.ndarray) -> dict[str, float]:
    """Coefficients of the features in ``rows``, by the least sum of relative errors squared; 0 of
    those whose cost others hold, so that a table names all that it was measured on."""
    names = sorted({name for row in rows for name, count in row.items() if count})
    matrix = np.array([[row.get(name, 0) for name in names] for row in rows], float)
    weight = 1 / np.maximum(target, 1)
    scale = np.maximum((matrix * weight[:, None]).max(axis=0), 1e-12)
    solution, _ = nnls(matrix * weight[:, None] / scale, target * weight)
    return {name: float(f"{c / s:.5g}") for name, c, s in zip(names, solution, scale)}
