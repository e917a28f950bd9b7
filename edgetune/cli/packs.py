"""``edgetune packs``: CMSIS packs, which describe parts and carry flash algorithms and CMSIS-NN."""

from __future__ import annotations

from pathlib import Path

import click

from edgetune.cli.printer import Printer
from edgetune.cli.verb import verb
from edgetune.packs import PackName, PackStore, install_file, install_pack, update_index

timeout_option = click.option(
    "--timeout", type=click.FloatRange(min=0, min_open=True), default=600.0, show_default=True,
    metavar="SECONDS", help="End the download after so long.",
)


@click.group("packs")
def command():
    """CMSIS packs: the index of parts, and what was installed.

    They lie in cmsis-pack-manager's folder, where pyOCD finds them too, or in EDGETUNE_PACKS.
    """


@verb("list")
@click.option("--known", is_flag=True, help="Also packs that are described here only.")
def list_command(printer: Printer, known: bool):
    """The installed packs, and how many parts the index knows."""
    store = PackStore()
    installed, parts = store.installed(), len(store.index().entries)
    described = [pack for pack in store.known() if pack not in installed] if known else []
    rows = [(pack, True) for pack in installed] + [(pack, False) for pack in described]
    printer.result = {
        "folder": str(store.folder),
        "parts": parts,
        "packs": [_facts(pack) | {"installed": here} for pack, here in rows],
    }
    if rows:
        printer.table(["pack", "version", "installed"],
                      [[f"{p.vendor}::{p.name}", p.version, "yes" if here else "no"]
                       for p, here in rows])
        printer.text()
    printer.text(f"Packs installed: {len(installed)}; parts in the index: {parts:,}; "
                 f"folder: {store.folder}")
    if not parts:
        printer.text("The index is empty. Fill it: edgetune packs update; without a network: "
                     "edgetune packs install FILE.pack")


@verb("update")
@timeout_option
def update_command(printer: Printer, timeout: float):
    """Load the makers' index of parts; needs the network."""
    store = PackStore()
    printer.note("Loading the descriptions of all packs, some minutes the first time")
    parts = update_index(store, timeout)
    printer.result = {"folder": str(store.folder), "parts": parts}
    printer.text(f"The index knows {parts:,} parts.")


@verb("install")
@click.argument("pack")
@timeout_option
def install_command(printer: Printer, pack: str, timeout: float):
    """Install PACK: ARM::CMSIS-NN, a FILE.pack, or the parts of a FILE.pdsc."""
    store = PackStore()
    if pack.lower().endswith((".pack", ".pdsc")) or Path(pack).is_file():
        name = install_file(store, Path(pack))
    else:
        printer.note(f"Installing {pack}")
        name = install_pack(store, pack, timeout)
    whole = name in store.installed()
    printer.result = _facts(name) | {"installed": whole, "folder": str(store.folder)}
    what = "is installed" if whole else "is described; the index has its parts"
    printer.text(f"{name} {what}.")


@verb("path")
@click.argument("pack")
def path_command(printer: Printer, pack: str):
    """The folder with the files of an installed PACK."""
    store = PackStore()
    name = store.find(pack)
    folder = store.unpacked(name)
    printer.result = _facts(name) | {"path": str(folder)}
    printer.text(str(folder))


for one in (list_command, install_command, path_command, update_command):
    command.add_command(one)


def _facts(pack: PackName) -> dict:
    return {"vendor": pack.vendor, "name": pack.name, "version": pack.version}
