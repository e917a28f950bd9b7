"""Reads pack descriptions (.pdsc): who made the pack, and what the index of parts leaves out.

cmsis-pack-manager takes a file that it cannot read for an empty one, so files are checked here
first. No entity is ever expanded: a description has no document type, and one is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement, TreeBuilder, tostring
from xml.parsers import expat

from edgetune.dataclass import dataclass
from edgetune.errors import DataError, UsageError
from edgetune.files import check_regular
from edgetune.packs.name import PackName

MOST_BYTES = 64 << 20  # the largest descriptions of big families have about 10 MB
DEEPEST = 64  # elements inside one another; the schema needs about 12
_LEVELS = ("family", "subFamily", "device", "variant")


@dataclass(frozen=True)
class Description:
    """A description that was read. ``processor``: see there."""

    pack: PackName
    root: Element

    def processor(self, part: str, name: str | None = None) -> dict[str, str]:
        """Attributes of ``part``'s processor (Dcore, Dclock, Ddsp, ...), inherited ones included.

        Args:
            part: as the index names it, a device or a variant.
            name: which of several processors (Pname).
        """
        facts: dict[str, str] = {}
        for element in _levels_of(self.root, part):
            for processor in element.findall("processor"):
                if processor.get("Pname") in (None, name):
                    facts |= processor.attrib
        return facts

    def plain(self) -> bytes:
        """The description again with nothing but the devices, as cmsis-pack-manager reads it.

        It stops at encodings other than UTF-8, missing texts and releases without one.
        """
        package = Element("package")
        texts = {"name": self.pack.name, "vendor": self.pack.vendor, "description": "", "url": ""}
        for tag, text in texts.items():
            SubElement(package, tag).text = self.root.findtext(tag, text).strip()
        release = SubElement(SubElement(package, "releases"), "release", version=self.pack.version)
        release.text = "newest"
        package.extend(self.root.findall("devices"))
        return tostring(package, "utf-8")


def read_pdsc(path: Path) -> Description:
    """Read the description in ``path``.

    Raises:
        UsageError: no such file.
        DataError: not a description, too large, or with a document type.
    """
    try:
        with check_regular(path).open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read.", f"{error.strerror}.", "Check the path."
        ) from error
    return parse_pdsc(content, str(path))


def parse_pdsc(content: bytes, source: str) -> Description:
    """Read the description ``content``; ``source`` names it in errors (see `read_pdsc`)."""
    if len(content) > MOST_BYTES:
        raise _bad(source, f"It has more than {MOST_BYTES >> 20} MB.")
    try:
        root = _parse(content)
        pack = _pack_name(root)
    except (expat.ExpatError, LookupError, ValueError, UsageError) as error:
        raise _bad(source, str(error)) from None
    return Description(pack, root)


def _bad(source: str, cause: str) -> DataError:
    return DataError(
        f"{source} is not a pack description.",
        cause,
        "Take the .pdsc from the maker's pack again (a .pack file is a zip that holds it).",
    )


def _parse(content: bytes) -> Element:
    """The tree of an XML document without a document type."""
    builder, depth = TreeBuilder(), 0

    def start(name, attributes):
        nonlocal depth
        depth += 1
        if depth > DEEPEST:
            raise ValueError(f"Its elements lie more than {DEEPEST} deep.")
        builder.start(_local(name), {_local(key): text for key, text in attributes.items()})

    def end(name):
        nonlocal depth
        depth -= 1
        builder.end(_local(name))

    def refuse(*_):
        raise ValueError("It has a document type, which descriptions do not have.")

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler, parser.StartDoctypeDeclHandler = builder.data, refuse
    parser.Parse(content, True)
    return builder.close()


def _local(name: str) -> str:
    """Without the prefix of a namespace; descriptions use none for what is read here."""
    return name.rpartition(":")[2]


def _pack_name(root: Element) -> PackName:
    """Maker, name and newest release; ValueError or UsageError where they are missing or odd."""
    if root.tag != "package":
        raise ValueError(f"Its root is <{root.tag}>, not <package>.")
    release = root.find("releases/release")
    texts = [root.findtext("vendor"), root.findtext("name")]
    texts.append(None if release is None else release.get("version"))
    if not all(texts):
        raise ValueError("It lacks <vendor>, <name> or <release version=...>.")
    vendor, name, version = (text.strip() for text in texts)
    return PackName.parse(f"{vendor}::{name}@{version}")


def _levels_of(root: Element, part: str) -> list[Element]:
    """Family, subfamily, device and variant that describe ``part``, the outermost first."""
    return next((chain for chain in _chains(root.findall("devices/family")) if
                 part in (chain[-1].get("Dname"), chain[-1].get("Dvariant"))), [])


def _chains(elements: list[Element], above: tuple = ()) -> Iterator[list[Element]]:
    for element in elements:
        chain = (*above, element)
        yield list(chain)
        inner = [child for child in element if child.tag in _LEVELS]
        yield from _chains(inner, chain)
