"""Packs: found, installed from files, unpacked safely; plain words where there is no network."""

from __future__ import annotations

import os
import shutil
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from random import Random
from zipfile import ZipFile, ZipInfo

import pytest
from cli_runner import BOARD, MODEL, edgetune, refused, succeed
from pdsc_builder import (
    FLASH,
    PACK,
    RAM,
    Device,
    memory,
    pdsc_text,
    processor,
    stm32f407,
    write_pack,
    write_pdsc,
)  # fmt: skip

from edgetune.build.cmsis_nn import find_cmsis_nn
from edgetune.errors import DataError, EdgetuneError, ToolchainError, UsageError
from edgetune.packs import (
    PackName,
    PackStore,
    find_part,
    install_file,
    install_pack,
    read_pdsc,
    update_index,
)  # fmt: skip
from edgetune.packs.child import download
from edgetune.packs.index import index_of_file
from edgetune.packs.pdsc import MOST_BYTES
from edgetune.session.doctor.packs import check_packs

CMSIS_NN = os.environ.get("EDGETUNE_CMSIS_NN")


@pytest.fixture(autouse=True)
def store(tmp_path, monkeypatch):
    """An empty pack folder, which the command line uses too."""
    monkeypatch.setenv("EDGETUNE_PACKS", str(tmp_path / "packs"))
    monkeypatch.chdir(tmp_path)
    return PackStore()


# Names -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text, expected", [
    ("ARM::CMSIS-NN", PackName("ARM", "CMSIS-NN")),
    ("Keil.STM32F4xx_DFP", PackName("Keil", "STM32F4xx_DFP")),
    ("ARM::CMSIS-NN@7.0.0", PackName("ARM", "CMSIS-NN", "7.0.0")),
    ("ARM.CMSIS-NN.7.0.0-rc1", PackName("ARM", "CMSIS-NN", "7.0.0-rc1")),
])
def test_names(text, expected):
    assert PackName.parse(text) == expected


@pytest.mark.parametrize("text", ["", "CMSIS", "../a::b", "a::b@../../c", "a::b@1/2", "a b::c"])
def test_what_is_no_name_is_refused(text):
    with pytest.raises(UsageError):
        PackName.parse(text)


def test_versions_are_numbers():
    ages = ["1.9.0", "1.10.0-rc1", "1.10.0", "2.0.0"]
    names = [PackName("A", "B", version) for version in reversed(ages)]
    assert [name.version for name in sorted(names, key=lambda name: name.age)] == ages


# Descriptions ------------------------------------------------------------------------------------


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


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_a_broken_description_is_refused(tmp_path, store, content):
    path = tmp_path / "broken.pdsc"
    path.write_bytes(content)
    for read in (read_pdsc, index_of_file, lambda file: install_file(store, file)):
        with pytest.raises(DataError) as caught:
            read(path)
        assert str(path) in caught.value.message and caught.value.next_step
    assert not store.folder.exists()


@pytest.mark.parametrize("seed", range(4))
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


# Parts -------------------------------------------------------------------------------------------


def test_a_part_has_the_facts_of_index_and_description(tmp_path):
    part = find_part(index_of_file(write_pdsc(tmp_path, stm32f407())), "STM32F407VGTx")
    assert (part.maker, part.family) == ("STMicroelectronics", "STM32F4 Series")
    assert (part.core, part.fpu, part.clock_hz) == ("CortexM4", "SinglePrecision", 168_000_000)
    assert part.extensions == {"Ddsp": "DSP"}
    assert part.algorithm == "Flash/MADEUP_F4_1024.FLM" and str(part.pack) == PACK
    assert [(m.name, m.start, m.size, m.writable) for m in part.memories] == [
        ("Flash", 0x08000000, 0x100000, False), ("SRAM2", 0x10000000, 0x10000, True),
        ("SRAM1", 0x20000000, 0x20000, True),
    ]


def _same_die(*names):
    return [stm32f407(name) for name in names]


def _other(name):
    device = stm32f407(name)
    device.body[1] = memory("Flash", 0x08000000, 0x80000, FLASH, "default", "startup")
    return device


@pytest.mark.parametrize("wanted, found", [
    ("STM32F407VGTx", "STM32F407VGTx"),
    ("stm32f407vgtx", "STM32F407VGTx"),
    ("STM32F407VGT6", "STM32F407VGTx"),
    ("STM32F407VG", "STM32F407VGHx"),      # two packages of one die
    ("STM32F407VE", "STM32F407VETx"),
    ("STM32F405", "STM32F405RG"),
    ("STM32F405RGT6", "STM32F405RG"),
])
def test_parts_are_found_as_people_write_them(tmp_path, wanted, found):
    devices = _same_die("STM32F407VGTx", "STM32F407VGHx", "STM32F405RG")
    index = index_of_file(write_pdsc(tmp_path, *devices, _other("STM32F407VETx")))
    assert find_part(index, wanted).name == found


def test_an_ambiguous_part_names_the_candidates(tmp_path):
    devices = [*_same_die("STM32F407VGTx"), _other("STM32F407VETx")]
    index = index_of_file(write_pdsc(tmp_path, *devices))
    with pytest.raises(UsageError) as caught:
        find_part(index, "STM32F407")
    assert "STM32F407VETx, STM32F407VGTx" in caught.value.cause


def test_an_unknown_part_names_near_ones(tmp_path):
    index = index_of_file(write_pdsc(tmp_path, stm32f407()))
    with pytest.raises(UsageError) as caught:
        find_part(index, "STM32F470VG")
    assert "STM32F407VGTx" in caught.value.cause and "--pdsc" in caught.value.next_step


def test_one_of_two_processors_is_chosen_with_its_memories(tmp_path):
    device = Device("DUAL1", "Dual", [
        '<processor Pname="CM7" Dcore="Cortex-M7" Dfpu="DP_FPU" Dclock="480000000"/>',
        '<processor Pname="CM4" Dcore="Cortex-M4" Dfpu="SP_FPU" Dclock="240000000"/>',
        memory("A", 0x08000000, 0x1000, FLASH, "default", of="CM7"),
        memory("B", 0x08100000, 0x1000, FLASH, "default", of="CM4"),
        memory("SHARED", 0x20000000, 0x1000, RAM, "default"),
    ])
    index = index_of_file(write_pdsc(tmp_path, device))
    first, second = find_part(index, "DUAL1"), find_part(index, "DUAL1", "cm4")
    assert first.processors == ("CM7", "CM4")
    assert (first.core, first.clock_hz) == ("CortexM7", 480_000_000)
    assert (second.core, second.clock_hz) == ("CortexM4", 240_000_000)
    assert [m.name for m in second.memories] == ["B", "SHARED"]
    with pytest.raises(UsageError) as caught:
        find_part(index, "DUAL1", "CM9")
    assert "CM7, CM4" in caught.value.cause


# The folder --------------------------------------------------------------------------------------


def test_a_description_adds_its_parts_and_a_pack_its_files(tmp_path, store):
    assert install_file(store, write_pdsc(tmp_path, stm32f407())) == PackName.parse(PACK)
    assert not store.installed() and store.known() == [PackName.parse(PACK)]
    assert find_part(store.index(), "STM32F407VG").clock_hz == 168_000_000
    pack = write_pack(tmp_path / "p.pack", {"Flash/A.FLM": b"abc"}, devices=(stm32f407(),))
    install_file(store, pack)
    assert store.installed() == [PackName.parse(PACK)]
    folder = store.unpacked("madeup.parts_dfp")
    assert (folder / "Flash" / "A.FLM").read_bytes() == b"abc"
    assert store.unpacked(PACK) == folder


def test_the_newest_version_counts_and_another_can_be_named(tmp_path, store):
    for version in ("1.9.0", "1.10.0"):
        install_file(store, write_pack(tmp_path / "p.pack", {"v": version.encode()},
                                       name=f"A::B@{version}"))
    assert (store.unpacked("A::B") / "v").read_bytes() == b"1.10.0"
    assert (store.unpacked("A::B@1.9.0") / "v").read_bytes() == b"1.9.0"
    assert install_pack(store, "A::B") == PackName("A", "B", "1.10.0")  # needs no network


def test_a_pack_installed_again_is_unpacked_again(tmp_path, store):
    for content in (b"old", b"new"):
        install_file(store, write_pack(tmp_path / "p.pack", {"f": content}))
        assert (store.unpacked(PACK) / "f").read_bytes() == content


def _link(name):
    link = ZipInfo(name)
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    return link


@pytest.mark.parametrize("entry", [
    "../outside", "a/../../outside", "/outside", "..\\outside", "C:\\outside", _link("link"),
], ids=str)
def test_a_pack_that_leaves_its_folder_is_refused(tmp_path, store, entry):
    pack = write_pack(tmp_path / "p.pack", {"good": b""})
    with ZipFile(pack, "a") as archive:
        archive.writestr(entry, "/etc/passwd")
    name = install_file(store, pack)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(DataError) as caught:
        store.unpacked(name)
    assert "leave the folder" in caught.value.cause
    assert sorted(tmp_path.rglob("*")) == before


def test_a_pack_unpacked_by_several_at_once_is_there_once(tmp_path, store):
    files = {f"f{i}": b"x" * 1000 for i in range(200)}
    name = install_file(store, write_pack(tmp_path / "p.pack", files))
    with ThreadPoolExecutor(8) as threads:
        folders = set(threads.map(lambda _: store.unpacked(name), range(8)))
    assert len(folders) == 1 and len(list(folders.pop().glob("f*"))) == 200
    assert not list(store.folder.rglob("*.tmp"))


def test_a_damaged_pack_leaves_nothing(tmp_path, store):
    pack = write_pack(tmp_path / "p.pack", {"f": b"0123456789" * 100})
    name = install_file(store, pack)
    whole = store.pack_file(name).read_bytes()
    store.pack_file(name).write_bytes(whole.replace(b"0123456789", b"0123456780"))
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(DataError):
        store.unpacked(name)
    assert sorted(tmp_path.rglob("*")) == before
    pack.write_bytes(b"no zip")
    with pytest.raises(DataError):
        install_file(store, pack)


def test_a_pack_without_a_description_is_refused(tmp_path, store):
    with ZipFile(tmp_path / "p.pack", "w") as archive:
        archive.writestr("readme", "")
    with pytest.raises(DataError) as caught:
        install_file(store, tmp_path / "p.pack")
    assert "0 descriptions" in caught.value.cause


def test_a_damaged_index_is_named(store):
    store.folder.mkdir()
    for content in ("{", '{"A": {}}'):
        store.index_file.write_text(content)
        with pytest.raises(DataError) as caught:
            find_part(store.index(), "A")
        assert "edgetune packs update" in caught.value.next_step


# The network -------------------------------------------------------------------------------------


@pytest.fixture
def no_network(monkeypatch):
    """A proxy that refuses every connection: the discard port of this machine."""
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")


def test_without_a_network_an_update_says_so(store, no_network):
    with pytest.raises(ToolchainError) as caught:
        update_index(store, seconds=120)
    assert "no network" in caught.value.cause and "empty" in caught.value.cause
    assert "FILE.pack" in caught.value.next_step and "--pdsc" in caught.value.next_step


@pytest.mark.thorough
def test_without_a_network_what_is_there_stays(tmp_path, store, no_network):
    install_file(store, write_pdsc(tmp_path, stm32f407()))
    with pytest.raises(ToolchainError) as caught:
        update_index(store, seconds=120)
    assert "stays usable" in caught.value.cause
    assert find_part(store.index(), "STM32F407VG").name == "STM32F407VGTx"
    with pytest.raises(ToolchainError) as caught:
        install_pack(store, PACK, seconds=120)
    assert "could not be downloaded" in caught.value.message


INDEX = "http://www.keil.com/pack/index.pidx"
SERVER = "http://example.invalid/Madeup.Parts_DFP"
LISTED = (
    "<index><vendor>Keil</vendor><url>http://www.keil.com/pack/</url><pindex>"
    '<pdsc url="http://example.invalid/" vendor="Madeup" name="Parts_DFP" version="1.2.3"/>'
    "</pindex></index>"
).encode()


@pytest.fixture
def network(tmp_path, monkeypatch):
    """A proxy that is all the network there is: address -> what lies there, None for silence."""
    pages = {INDEX: LISTED, f"{SERVER}.pdsc": pdsc_text(stm32f407()).encode()}
    ended = threading.Event()

    class Proxy(BaseHTTPRequestHandler):
        def do_GET(self):
            content = pages.get(self.path, b"")
            if content is None:
                ended.wait(60)
                return
            self.send_response(200 if content else 404)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{server.server_port}")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    yield pages
    ended.set()
    server.shutdown()
    server.server_close()


@pytest.mark.thorough
def test_with_a_network_parts_and_packs_come(tmp_path, store, network):
    made = write_pack(tmp_path / "made.pack", {"f": b"abc"}, devices=(stm32f407(),))
    network[f"{SERVER}.1.2.3.pack"] = made.read_bytes()
    assert succeed("packs", "update")["parts"] == 1
    part = find_part(store.index(), "STM32F407VG")
    assert part.clock_hz == 168_000_000 and str(part.pack) == PACK
    assert succeed("packs", "install", "madeup.parts_dfp")["installed"]
    assert (store.unpacked(PACK) / "f").read_bytes() == b"abc"
    assert update_index(store, seconds=60) == 1  # nothing new is no failure


@pytest.mark.thorough
def test_installing_updates_an_empty_index_first(tmp_path, store, network):
    made = write_pack(tmp_path / "made.pack", {"f": b"abc"}, devices=(stm32f407(),))
    network[f"{SERVER}.1.2.3.pack"] = made.read_bytes()
    assert install_pack(store, "Madeup::Parts_DFP", seconds=60) == PackName.parse(PACK)


@pytest.mark.thorough
@pytest.mark.parametrize("answer", [b"<html>Log in to the network</html>", b""])
def test_what_is_no_pack_is_not_kept(store, network, answer):
    network[f"{SERVER}.1.2.3.pack"] = answer
    with pytest.raises(ToolchainError) as caught:
        install_pack(store, "Madeup::Parts_DFP", seconds=60)
    assert "could not be downloaded" in caught.value.message
    assert not store.installed() and not store.pack_file(PackName.parse(PACK)).exists()


@pytest.mark.thorough
def test_a_server_that_says_nothing_is_given_up(store, network):
    network[INDEX] = None
    with pytest.raises(ToolchainError) as caught:
        download(store.folder, seconds=2)
    assert "--timeout" in caught.value.next_step


def test_a_download_that_breaks_says_why(store):
    with pytest.raises(ToolchainError) as caught:
        download(store.folder, "only", "two", seconds=60)
    assert "TypeError" in caught.value.cause


def test_an_empty_index_is_no_unknown_part(store):
    with pytest.raises(ToolchainError) as caught:
        find_part(store.index(), "STM32F407VG")
    assert "empty" in caught.value.cause


# The command line --------------------------------------------------------------------------------


def test_the_verbs(tmp_path, store):
    assert succeed("packs", "list")["parts"] == 0
    assert "edgetune packs update" in edgetune("packs", "list").stdout
    pack = write_pack(tmp_path / "p.pack", {"f": b""}, devices=(stm32f407(),))
    assert succeed("packs", "install", pack)["installed"]
    listed = succeed("packs", "list")
    assert listed["parts"] == 1 and [one["name"] for one in listed["packs"]] == ["Parts_DFP"]
    folder = succeed("packs", "path", "Madeup::Parts_DFP")["path"]
    assert edgetune("packs", "path", "Madeup::Parts_DFP").stdout.strip() == folder
    assert (Path(folder) / "f").is_file()
    assert not succeed("packs", "install", write_pdsc(tmp_path, name="A::B@1.0.0"))["installed"]
    known = succeed("packs", "list", "--known")["packs"]
    assert [one["name"] for one in known if not one["installed"]] == ["B"]


@pytest.mark.thorough
def test_refusals(tmp_path, no_network):
    assert refused("packs", "update")["exit_code"] == 9
    assert refused("packs", "install", "ARM::CMSIS-NN")["exit_code"] == 9
    assert refused("packs", "path", "ARM::CMSIS-NN")["exit_code"] == 2
    edgetune("packs", "install", write_pdsc(tmp_path, stm32f407()))
    unknown = refused("packs", "install", "Madeup::Part_DFP")
    assert unknown["exit_code"] == 2 and PACK in unknown["cause"]
    (tmp_path / "bad.pack").write_bytes(b"")
    assert refused("packs", "install", "bad.pack")["exit_code"] == 8


# The doctor --------------------------------------------------------------------------------------


def _checks():
    return {check.name: check for check in check_packs()}


def test_the_doctor_sees_index_and_packs(tmp_path, store, monkeypatch):
    monkeypatch.delenv("EDGETUNE_CMSIS_NN", raising=False)
    empty = _checks()
    assert not empty["CMSIS packs"].ok and "edgetune packs update" in empty["CMSIS packs"].fix
    assert not empty["CMSIS-NN"].ok and "packs install ARM::CMSIS-NN" in empty["CMSIS-NN"].fix
    install_file(store, write_pdsc(tmp_path, stm32f407()))
    install_file(store, write_pack(tmp_path / "n.pack", {}, name="ARM::CMSIS-NN@7.0.0"))
    assert "1 parts" in _checks()["CMSIS packs"].found and _checks()["CMSIS packs"].ok
    assert "--cmsis-nn pack" in _checks()["CMSIS-NN"].found
    store.index_file.write_text("{")
    assert _checks()["CMSIS packs"].broken


# CMSIS-NN ----------------------------------------------------------------------------------------


def test_cmsis_nn_that_is_not_installed_is_named():
    error = refused("plan", MODEL, "--board", BOARD, "--cmsis-nn", "pack")
    assert error["exit_code"] == 9
    assert "edgetune packs install ARM::CMSIS-NN" in error["next_step"]


@pytest.mark.thorough
@pytest.mark.skipif(not CMSIS_NN, reason="EDGETUNE_CMSIS_NN does not name CMSIS-NN's folder")
def test_cmsis_nn_comes_out_of_its_pack(tmp_path, store):
    source, tree = Path(CMSIS_NN), tmp_path / "tree"
    tree.mkdir()
    shutil.copy(source / "ARM.CMSIS-NN.pdsc", tree)
    for name in ("Include", "Source"):
        shutil.copytree(source / name, tree / name)
    made = shutil.make_archive(str(tmp_path / "nn"), "zip", tree)
    pack = Path(made).rename(tmp_path / "ARM.CMSIS-NN.pack")
    assert install_file(store, pack).dotted == "ARM.CMSIS-NN"
    folder = find_cmsis_nn("pack")
    assert folder.is_relative_to(store.folder)
    assert (folder / "Source" / "ConvolutionFunctions" / "arm_convolve_s8.c").is_file()
    succeed("build", MODEL, "--board", BOARD, "--cmsis-nn", "pack")
