"""The preprocessing that is kept with a model, inside its file."""

from __future__ import annotations

import json
from dataclasses import asdict

from edgetune.data.declaration import Declaration
from edgetune.data.preprocessing import Preprocessing
from edgetune.errors import UsageError
from edgetune.model.decode import corrupt
from edgetune.model.graph import Graph

NAME = "edgetune.preprocessing"


def preprocessing_note(how: Preprocessing) -> dict[str, bytes]:
    """``how`` as a note for ``Graph.metadata``; none where nothing was declared."""
    if how == Preprocessing():
        return {}
    return {NAME: json.dumps(how.as_dict(), sort_keys=True).encode()}


def stored_preprocessing(graph: Graph) -> Preprocessing | None:
    """The preprocessing that the model's file declares, None where it says nothing.

    Raises:
        ModelError: it is malformed.
    """
    note = graph.metadata.get(NAME)
    if note is None:
        return None
    try:
        how = Preprocessing.from_dict(json.loads(note))
        declared = {k: v for k, v in asdict(how).items() if k != "quantized"}
        Declaration(**declared)
    except (ValueError, TypeError, AttributeError, RecursionError, UsageError) as error:
        raise corrupt(f"Its note {NAME!r} cannot be read: {error}") from None
    return how
