"""Packs: found, installed from files, unpacked safely; plain words where there is no network."""

from __future__ import annotations

import os
import shutil
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from zipfile import ZipFile, ZipInfo

import pytest
from cli_runner import BOARD, MODEL, edgetune, refused, succeed
from pdsc_builder import FLASH, PACK, RAM, Device, memory, stm32f407, write_pack, write_pdsc
from thinned import thinned_rows

from edgetune.build.cmsis_nn import find_cmsis_nn
from edgetune.errors import DataError, UsageError
from edgetune.packs import PackName, find_part, install_file, install_pack
from edgetune.packs.index import index_of_file
from edgetune.session.doctor.packs import check_packs

CMSIS_NN = os.environ.get("EDGETUNE_CMSIS_NN")


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


@pytest.mark.parametrize("wanted, found", thinned_rows([
    ("STM32F407VGTx", "STM32F407VGTx"),
    ("stm32f407vgtx", "STM32F407VGTx"),
    ("STM32F407VGT6", "STM32F407VGTx"),
    ("STM32F407VG", "STM32F407VGHx"),      # two packages of one die
    ("STM32F407VE", "STM32F407VETx"),
    ("STM32F405", "STM32F405RG"),
    ("STM32F405RGT6", "STM32F405RG"),
], 3))
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
