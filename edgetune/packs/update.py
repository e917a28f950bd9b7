"""Updates the index of parts from the makers' pack index."""

from __future__ import annotations

from edgetune.errors import ToolchainError
from edgetune.packs.child import download
from edgetune.packs.find import OFFLINE
from edgetune.packs.store import PackStore

SECONDS = 600.0  # some thousand small files


def update_index(store: PackStore, seconds: float = SECONDS) -> int:
    """Load the descriptions that are new; gives the number of parts known then.

    Raises:
        ToolchainError: nothing came (no network), or it took more than ``seconds``.
    """
    before = _stamp(store)
    download(store.folder, seconds=seconds)
    if _stamp(store) == before:
        have = "What is there stays usable." if before else "The index of parts is empty."
        raise ToolchainError(
            "The index of parts was not updated.",
            "cmsis-pack-manager got no pack index from www.keil.com: there is no network, or a "
            f"firewall is in between. {have}",
            OFFLINE,
        )
    return len(store.index().entries)


def _stamp(store: PackStore) -> int:
    """Changes whenever the index is written, which happens only after descriptions came."""
    try:
        return store.index_file.stat().st_mtime_ns
    except FileNotFoundError:
        return 0
