"""Puts packs into the pack folder: by name over the network, or from a file."""

from __future__ import annotations

import os
import secrets
import shutil
import zlib
from pathlib import Path
from zipfile import BadZipFile, ZipFile, is_zipfile

from edgetune.errors import ToolchainError, UsageError
from edgetune.files import save_atomically
from edgetune.packs.child import download
from edgetune.packs.index import add_parts
from edgetune.packs.name import PackName
from edgetune.packs.pdsc import MOST_BYTES, Description, parse_pdsc, read_pdsc
from edgetune.packs.store import PackStore, near_packs
from edgetune.packs.unpack import bad_pack
from edgetune.packs.update import update_index

SECONDS = 600.0  # a pack of some hundred MB


def install_pack(store: PackStore, name: str, seconds: float = SECONDS) -> PackName:
    """Download a pack, the newest version without one in ``name``; nothing where it is there.

    Where no description is known yet the index is updated first.

    Raises:
        UsageError: no such pack; near names are given.
        ToolchainError: no network, or more than ``seconds`` passed.
    """
    wanted = PackName.parse(name)
    if any(wanted.version and wanted.covers(pack) for pack in store.installed()):
        return store.find(wanted)
    if not store.known():
        update_index(store, seconds)
    pack = _known(store, wanted)
    if not store.pack_file(pack).is_file():
        download(store.folder, pack.vendor, pack.name, pack.version, seconds=seconds)
    if not is_zipfile(store.pack_file(pack)):
        store.pack_file(pack).unlink(missing_ok=True)
        raise ToolchainError(
            f"The pack {pack} could not be downloaded.",
            "Its maker's server was not reached, or sent something else.",
            "Repeat it with a network; or load the .pack file on another computer: "
            "edgetune packs install FILE.pack",
        )
    _check_same(store.pack_file(pack), pack)
    return pack


def _check_same(path: Path, pack: PackName) -> None:
    """ToolchainError, and no file, where what was downloaded is another pack than ``pack``: the
    makers' index has no checksums to tell by."""
    found = _description_in(path)[0].pack
    if not pack.covers(found):
        path.unlink(missing_ok=True)
        raise ToolchainError(
            f"The pack {pack} could not be downloaded.",
            f"Its maker's server sent {found}.",
            "Repeat it later, or take the .pack file from its maker: edgetune packs install "
            "FILE.pack",
        )


def install_file(store: PackStore, path: Path) -> PackName:
    """Take in a .pack file, or only the parts of a .pdsc file; needs no network.

    Raises:
        UsageError: no such file, or of another kind.
        DataError: it is damaged.
    """
    if path.suffix.lower() == ".pdsc":
        description, content = read_pdsc(path), path.read_bytes()
    elif path.suffix.lower() == ".pack":
        description, content = _description_in(path)
    else:
        raise UsageError(f"{path} is neither a .pack nor a .pdsc file.", "Its name says so.",
                         "Name a pack (ARM::CMSIS-NN), a FILE.pack or a FILE.pdsc.")
    _add(store, description, content)
    if path.suffix.lower() == ".pack":
        _copy(path, store.pack_file(description.pack))
    return description.pack


def _known(store: PackStore, wanted: PackName) -> PackName:
    found = [pack for pack in store.known() if wanted.covers(pack)]
    if found:
        return found[-1]
    raise UsageError(
        f"Unknown pack {wanted}.",
        near_packs(wanted, store.known()) or "No description of that name is known.",
        "Check the name, or update the index: edgetune packs update",
    )


def _description_in(path: Path) -> tuple[Description, bytes]:
    """The description in a pack, which lies at its top."""
    try:
        with ZipFile(path) as archive:
            names = [n for n in archive.namelist() if n.lower().endswith(".pdsc") and "/" not in n]
            if len(names) != 1:
                raise bad_pack(path, f"It holds {len(names)} descriptions instead of one.")
            with archive.open(names[0]) as file:
                content = file.read(MOST_BYTES + 1)
            return parse_pdsc(content, f"{path}:{names[0]}"), content
    except (BadZipFile, NotImplementedError, RuntimeError, EOFError, zlib.error) as error:
        raise bad_pack(path, str(error)) from error
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read.", f"{error.strerror}.", "Check the path."
        ) from error


def _add(store: PackStore, description: Description, content: bytes) -> None:
    """Keep the description, and its parts in the index."""
    store.folder.mkdir(parents=True, exist_ok=True)
    save_atomically(store.pdsc_file(description.pack), content)
    add_parts(store.cache(), description)


def _copy(source: Path, target: Path) -> None:
    """A copy that appears whole; what an older file of that name was unpacked to goes."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}.tmp")
    try:
        shutil.copyfile(source, temporary)
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)
    shutil.rmtree(target.with_suffix(""), ignore_errors=True)
