"""Each form of a library is read and built as far as this computer can."""

import json
import re
import shutil
import subprocess
import sys
import textwrap
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import cmsis_pack_manager
import pytest
import yaml
from cli_runner import MODEL, succeed
from libraries import WARNINGS

from edgetune.codegen.for_size import AROUND_ASSEMBLY, SELDOM

STAND_IN = Path(__file__).parent / "arduino_stand_in"
needs_compilers = pytest.mark.skipif(
    not (shutil.which("gcc") and shutil.which("g++")), reason="no C and C++ compiler"
)


def made(folder: Path, form: str, *options) -> Path:
    succeed("library", MODEL, "--as", form, "-o", folder, "--core", "cortex-m4",
            "--prefix", "digits", *options)
    return folder


def compiles(sources, *includes: Path) -> None:
    command = ["gcc", "-std=c99", "-fsyntax-only", *WARNINGS, *(f"-I{i}" for i in includes)]
    subprocess.run([*command, *map(str, sources)], check=True)


@needs_compilers
@pytest.mark.parametrize("options", [(), ("--inference-only",)])
def test_arduino_s_sketch_compiles_against_a_stand_in(tmp_path, options):
    folder = made(tmp_path, "arduino", *options)
    sketch = folder / "examples" / "digits" / "digits.ino"
    subprocess.run([
        "g++", "-x", "c++", "-std=gnu++11", "-Wall", "-Wextra", "-Werror", "-fsyntax-only",
        "-include", STAND_IN / "Arduino.h", f"-I{folder / 'src'}", sketch,
    ], check=True)
    compiles(sorted((folder / "src").glob("*.c")), folder / "src")
    properties = dict(line.split("=", 1) for line in
                      (folder / "library.properties").read_text().splitlines())
    assert properties["name"] == "digits" and re.fullmatch(r"\d+\.\d+\.\d+", properties["version"])
    assert {"author", "maintainer", "sentence", "paragraph", "category", "url",
            "architectures"} <= properties.keys()


@pytest.mark.parametrize(("form", "file"), [
    ("cmake", "CMakeLists.txt"), ("zephyr", "zephyr/CMakeLists.txt"),
])
def test_what_the_server_builds_for_size_these_forms_do_too(tmp_path, form, file):
    folder = made(tmp_path, form)
    said = re.search(r"set_source_files_properties\((.*?)PROPERTIES COMPILE_OPTIONS -Os\)",
                     (folder / file).read_text(), re.DOTALL)
    names = {Path(name).name for name in said[1].split()}
    there = {path.name for path in (folder / "src").glob("*.c")}
    assert names == there & SELDOM | there & AROUND_ASSEMBLY and "draw.c" in names
    assert all(f"`{name}`" in (folder / "README.md").read_text() for name in names)


def test_platformio_s_manifest_names_what_is_there(tmp_path):
    """As pio pkg pack takes it; that asks for its registry's words, which it may not reach."""
    folder = made(tmp_path, "platformio")
    manifest = json.loads((folder / "library.json").read_text())
    assert manifest["name"] == "digits" and re.fullmatch(r"\d+\.\d+\.\d+", manifest["version"])
    for name in (manifest["build"]["srcDir"], manifest["build"]["includeDir"]):
        assert (folder / name).is_dir()
    assert (folder / "include" / manifest["headers"]).is_file()


def test_zephyr_s_module_lists_all_sources(tmp_path):
    folder = made(tmp_path, "zephyr")
    module = yaml.safe_load((folder / "zephyr" / "module.yml").read_text())
    assert module["build"] == {"cmake": "zephyr", "kconfig": "zephyr/Kconfig"}
    text = (folder / "zephyr" / "CMakeLists.txt").read_text()
    listed = {(folder / "zephyr" / name).resolve() for name in re.findall(r"\S+\.c\b", text)}
    assert listed == {path.resolve() for path in (folder / "src").glob("*.c")}
    assert "CONFIG_EDGETUNE_DIGITS" in text


def test_zephyr_s_own_reader_takes_the_kconfig(tmp_path):
    kconfiglib = pytest.importorskip("kconfiglib")
    folder = made(tmp_path, "zephyr")
    found = kconfiglib.Kconfig(str(folder / "zephyr" / "Kconfig"))
    assert list(found.syms["EDGETUNE_DIGITS"].nodes) and not found.warnings


def test_west_takes_the_module_as_the_readme_says(tmp_path):
    pytest.importorskip("west")
    readme = (made(tmp_path / "digits", "zephyr") / "README.md").read_text()
    lines = re.search(r"\n((?:    .*\n)*    manifest:\n(?:    .*\n)+)", readme)
    assert lines is not None
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "west.yml").write_text(textwrap.dedent(lines[1]))

    def west(*words: str) -> str:
        return subprocess.run([sys.executable, "-m", "west", *words], cwd=tmp_path, check=True,
                              capture_output=True, text=True).stdout

    west("init", "-l", "app")
    assert west("list", "-f", "{name} {path}", "digits").split() == ["digits", "modules/lib/digits"]


@needs_compilers
def test_a_cmsis_pack_s_files_are_there_and_compile(tmp_path):
    folder = made(tmp_path / "pack", "cmsis-pack")
    pdsc = folder / "edgetune.digits.pdsc"
    cache = cmsis_pack_manager.Cache(True, False, json_path=str(tmp_path), data_path=str(tmp_path))
    cache.add_pack_from_path(str(pdsc))
    tree = ElementTree.parse(pdsc)
    assert pdsc.name == f"{tree.findtext('vendor')}.{tree.findtext('name')}.pdsc"
    component = tree.find("components/component")
    release = tree.find("releases/release")
    assert component is not None and release is not None
    assert component.get("Cversion") == release.get("version")
    rows = {f.get("name"): f.get("category") for f in component.findall("files/file")}
    assert all((folder / name).exists() for name in rows)
    sources = [folder / name for name, kind in rows.items() if kind == "source"]
    includes = [folder / name for name, kind in rows.items() if kind == "include"]
    assert sorted(sources) == sorted((folder / "src").glob("*.c"))
    compiles(sources, *includes)
