"""The compilers of a test run give what they kept only where the compiler would make the same."""

import shutil
import subprocess
from pathlib import Path

import pytest
from kept_files import KEPT, kept

CC = shutil.which("cc")
SCRIPT = Path(__file__).parents[1] / "support" / "kept_objects.sh"
pytestmark = [
    pytest.mark.skipif(CC is None, reason="no C compiler for this machine"), pytest.mark.thorough,
]


@pytest.fixture
def compile_c(tmp_path):
    """Compiles ``a.c`` in a folder of its own; the return code, what was said, and the object."""
    (tmp_path / "real").mkdir()
    count = tmp_path / "count"
    counting = tmp_path / "real" / "cc"
    counting.write_text(f"#!/bin/sh\ncase \"$*\" in *-E*) ;; *) echo >>{count} ;; esac\n"
                        f"exec {shutil.which('gcc') or CC} \"$@\"\n")
    counting.chmod(0o755)

    def run(name, source, *options, header="#define VALUE 1\n"):
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        (folder / "a.c").write_text(source)
        (folder / "a.h").write_text(header)
        before = len(count.read_text()) if count.exists() else 0
        done = subprocess.run(
            ["sh", "-c", f"REAL={counting} KEPT={tmp_path}; . {SCRIPT}", "cc", "-g", "-MMD",
             "-Wall", f"-ffile-prefix-map={folder}=.", *options, "-c", "a.c", "-o", "a.o"],
            cwd=folder, capture_output=True, text=True,
        )
        compiled = len(count.read_text()) - before if count.exists() else 0
        return done, compiled, folder

    return run


SOURCE = '#include "a.h"\nint value(void) { return VALUE; }\n'


def test_the_same_source_is_compiled_once(compile_c):
    (_, first, here), (_, second, there) = compile_c("x", SOURCE), compile_c("y", SOURCE)
    assert (first, second) == (1, 0)
    for name in ("a.o", "a.d"):
        assert (here / name).read_bytes() == (there / name).read_bytes()


def test_another_header_option_or_macro_is_compiled_anew(compile_c):
    compile_c("x", SOURCE)
    assert compile_c("y", SOURCE, header="#define VALUE 2\n")[1] == 1
    assert compile_c("z", SOURCE, "-O2")[1] == 1
    assert compile_c("w", "int value = A;\n", "-DA=1")[1] == 1
    assert compile_c("w", "int value = A;\n", "-DA=2")[1] == 1


@pytest.mark.parametrize(("source", "code"), [
    ("static int unused;\n", 0), ("int x = ;\n", 1), ("#error no\n", 1),
])  # fmt: skip
def test_what_the_compiler_says_is_said_each_time(compile_c, source, code):
    for name in ("x", "y"):
        done, compiled, _ = compile_c(name, source)
        assert (done.returncode, compiled) == (code, 1) and "a.c" in done.stderr


def test_what_a_macro_forbids_is_not_found_among_what_was_kept(compile_c):
    source = "#ifdef A\n#error no\n#endif\nint v;\n"
    assert compile_c("x", source)[0].returncode == 0
    assert compile_c("y", source, "-DA=1")[0].returncode == 1


def test_a_file_is_made_once_for_one_key(tmp_path, monkeypatch):
    monkeypatch.setenv(KEPT, str(tmp_path))
    made = []
    for folder, key in (("a", 1), ("b", 1), ("c", 2)):
        path = tmp_path / folder / "file"
        path.parent.mkdir()
        with kept(path, key) as there:
            if not there:
                path.write_text(folder)
                made.append(folder)
    assert made == ["a", "c"] and (tmp_path / "b" / "file").read_text() == "a"
