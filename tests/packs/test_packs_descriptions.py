"""Descriptions of packs, as they should be and broken."""

from __future__ import annotations

from random import Random

import pytest
from pdsc_builder import pdsc_text, processor, stm32f407, write_pdsc
from thinned import thinned

from edgetune.errors import DataError, EdgetuneError, UsageError
from edgetune.packs import install_file, read_pdsc
from edgetune.packs.index import index_of_file
from edgetune.packs.pdsc import MOST_BYTES


def test_a_processor_inherits_from_its_family(tmp_path):
    path = tmp_path / "nested.pdsc"
    path.write_text(pdsc_text().replace("<devices>", """<devices><family Dfamily="F">
        <processor Dcore="Cortex-M4" Ddsp="DSP" Dclock="1"/>
        <subFamily DsubFamily="S"><processor Dclock="2"/>
        <device Dname="A"><processor Dtz="NO_TZ"/><variant Dvariant="AB"/></device>
        <device Dname="C"><processor Dclock="3"/></device></subFamily></family>"""))
    description = read_pdsc(path)
    assert description.processor("AB") == {
        "Dcore": "Cortex-M4", "Ddsp": "DSP", "Dclock": "2", "Dtz": "NO_TZ"
    }
    assert description.processor("C")["Dclock"] == "3"
    assert description.processor("D") == {}


BOMB = """<?xml version="1.0"?><!DOCTYPE package [<!ENTITY a "aaaaaaaaaa">
<!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><package><name>&b;</name></package>"""
BROKEN = {
    "empty": b"",
    "cut off": pdsc_text(stm32f407())[:400].encode(),
    "not XML": bytes(range(256)),
    "an entity bomb": BOMB.encode(),
    "another document": b"<html></html>",
    "no release": pdsc_text().replace("releases", "others").encode(),
    "a version that is a path": pdsc_text(name="A::B@1/../../x").encode(),
    "deep": b"<package>" + b"<a>" * 100_000,
    "too large": b" " * (MOST_BYTES + 1),
}


@pytest.mark.parametrize("content", thinned(BROKEN.values(), 3), ids=BROKEN)
def test_a_broken_description_is_refused(tmp_path, store, content):
    path = tmp_path / "broken.pdsc"
    path.write_bytes(content)
    for read in (read_pdsc, index_of_file, lambda file: install_file(store, file)):
        with pytest.raises(DataError) as caught:
            read(path)
        assert str(path) in caught.value.message and caught.value.next_step
    assert not store.folder.exists()


@pytest.mark.parametrize("seed", thinned(range(4), 4))
def test_mutated_descriptions_are_read_or_refused(tmp_path, seed):
    random, text = Random(seed), bytearray(pdsc_text(stm32f407()).encode())
    pieces = [b"", b"0x", b"-", b'"', b"<", b"/", b"*", b"\xff", b"9" * 30, b"0x" + b"F" * 16]
    path = tmp_path / "mutated.pdsc"
    for _ in range(100):
        mutated = bytearray(text)
        for _ in range(random.choice([1, 1, 2, 4])):
            at, length = random.randrange(len(mutated)), random.choice([0, 1, 2, 8, 40])
            mutated[at : at + length] = random.choice(pieces)
        path.write_bytes(mutated)
        try:
            index = index_of_file(path)
            assert [index.part(name).name for name in index.entries] == list(index.entries)
        except EdgetuneError as error:
            assert error.exit_code in (2, 8) and error.next_step


@pytest.mark.parametrize("old, new", [
    ('<release version="1.2.3">first</release>', '<release version="1.2.3"/>'),
    ('encoding="UTF-8"', 'encoding="ISO-8859-1"'),
    ("<description>made up</description>", ""),
    ("<url>http://example.invalid/</url>", ""),
    ("<package ", '<package xmlns:xs="http://www.w3.org/2001/XMLSchema-instance" xs:a="b" '),
])
def test_what_cmsis_pack_manager_stops_at_is_read(tmp_path, old, new):
    text = pdsc_text(stm32f407()).replace("made up", "Gerät")
    old = old.replace("made up", "Gerät")
    assert old in text
    path = tmp_path / "odd.pdsc"
    encoding = "latin-1" if "8859" in new else "utf-8"
    path.write_bytes(text.replace(old, new).encode(encoding))
    assert list(index_of_file(path).entries) == ["STM32F407VGTx"]


def test_a_description_whose_parts_cannot_be_read_is_refused(tmp_path):
    device = stm32f407()
    device.body[0] = processor("Cortex-Z9")
    with pytest.raises(DataError) as caught:
        index_of_file(write_pdsc(tmp_path, device))
    assert "no part" in caught.value.message


def test_a_missing_file_is_named(tmp_path, store):
    for name in ("none.pdsc", "none.pack", "none.txt"):
        with pytest.raises(UsageError) as caught:
            install_file(store, tmp_path / name)
        assert name in caught.value.message
