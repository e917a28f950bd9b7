"""``edgetune library``: what it writes, that it builds, and what it refuses."""

import re
import shutil
import subprocess

import pytest
from cli_runner import BOARD, MODEL, edgetune, succeed
from libraries import WARNINGS

from edgetune.boards.cores import CORES
from edgetune.codegen.library import FORMS
from edgetune.codegen.library.names import default_prefix
from edgetune.plan.shapes import NARROWING

ON_CORE = ("--core", "cortex-m4")
DECIDING = "ET_VECTORS", "ET_WIDE_CELLS", "ET_DRAW_INDEPENDENT", *NARROWING


def made(folder, *options, form="sources"):
    return succeed("library", MODEL, "--as", form, "-o", folder, *(options or ON_CORE))


def compiled(folder, *command):
    """All C files of a library as its page says, every warning an error."""
    files = [str(path) for path in sorted(folder.glob("src/*.c"))]
    run = [*command, "-std=c99", "-O2", *WARNINGS, f"-I{folder / 'include'}"]
    subprocess.run([*run, *files], check=True, cwd=folder)


@pytest.mark.skipif(not shutil.which("gcc"), reason="no C compiler")
def test_the_example_learns_on_this_computer(tmp_path):
    facts = made(tmp_path / "lib", *ON_CORE, "--prefix", "digits")
    assert facts["prefix"] == "digits" and facts["stages"] == 23
    program = tmp_path / "example"
    compiled(tmp_path / "lib", "gcc", str(tmp_path / "lib/examples/main.c"), "-o", str(program))
    assert subprocess.run([program]).returncode == 0


@pytest.mark.skipif(not shutil.which("arm-none-eabi-gcc"), reason="no Arm compiler")
@pytest.mark.parametrize("core", [
    "cortex-m0plus", pytest.param("cortex-m4", marks=pytest.mark.thorough),
    pytest.param("cortex-m55", marks=pytest.mark.thorough),
])
def test_every_core_compiles_it_without_a_warning(tmp_path, core):
    made(tmp_path, "--core", core, "--predict-between")
    compiled(tmp_path, "arm-none-eabi-gcc", *CORES[core].flags, "-c")


@pytest.mark.thorough
@pytest.mark.skipif(not shutil.which("cmake"), reason="no cmake")
def test_cmake_builds_and_runs_it(tmp_path):
    made(tmp_path, *ON_CORE, "--prefix", "digits", "--inference-only", form="cmake")
    where = ["-S", str(tmp_path), "-B", str(tmp_path / "build")]
    subprocess.run(["cmake", *where, "-D", "DIGITS_EXAMPLE=ON"], check=True)
    subprocess.run(["cmake", "--build", str(tmp_path / "build")], check=True)
    subprocess.run([tmp_path / "build" / "digits_example"], check=True)


@pytest.mark.thorough
@pytest.mark.skipif(
    not (shutil.which("cmake") and shutil.which("arm-none-eabi-gcc")), reason="no cmake or Arm gcc"
)
def test_cmake_builds_it_for_a_core(tmp_path):
    made(tmp_path, *ON_CORE, "--prefix", "digits", form="cmake")
    options = {
        "CMAKE_SYSTEM_NAME": "Generic", "CMAKE_C_COMPILER": "arm-none-eabi-gcc",
        "CMAKE_TRY_COMPILE_TARGET_TYPE": "STATIC_LIBRARY",
        "CMAKE_C_FLAGS": " ".join(CORES["cortex-m4"].flags),
    }
    chosen = [f"-D{name}={value}" for name, value in options.items()]
    where = ["-S", str(tmp_path), "-B", str(tmp_path / "build")]
    subprocess.run(["cmake", *where, *chosen], check=True)
    subprocess.run(["cmake", "--build", str(tmp_path / "build")], check=True)
    assert (tmp_path / "build" / "libdigits.a").is_file()


def test_only_what_the_model_needs_is_there(tmp_path):
    files = made(tmp_path / "learns")["files"]
    assert "src/adaptive.c" in files and "src/niti.c" not in files and "src/add.c" not in files
    runs = made(tmp_path / "runs", *ON_CORE, "--inference-only")
    assert "src/inference.c" in runs["files"]
    assert not {"src/learning.c", "src/draw.c", "src/softmax_cross_entropy.c"} & {*runs["files"]}
    assert runs["state_bytes"] == 0 and runs["ram_bytes"] < 3000


@pytest.mark.parametrize("core", ["cortex-m4", "cortex-m55"])
def test_what_a_macro_decides_sees_the_macros(tmp_path, core):
    """Those of the recipe, of the core and of the shapes, before anything asks for them."""
    made(tmp_path, "--core", core)
    comment = re.compile(r"/\*.*?\*/", re.S)
    texts = {path.name: comment.sub("", path.read_text()) for path in tmp_path.glob("src/*.[ch]")}

    def read(name, included):
        """The text as a compiler meets it, each header once."""
        included.add(name)
        return re.sub(
            r'#include "(.*)"',
            lambda one: read(one[1], included) if one[1] in texts.keys() - included else "",
            texts[name],
        )

    whole = {name: read(name, set()) for name in texts if name.endswith(".c")}
    asked = re.compile(rf"\b({'|'.join(DECIDING)})\b")
    asking = {name: found.start() for name, text in whole.items() if (found := asked.search(text))}
    assert {"windows_dsp.c", "conv_2d_dsp.c", "draw.c"} <= asking.keys()
    late = {n for n, at in asking.items() if "ET_MODEL_CONFIG_H" not in whole[n][:at]}
    assert not late


def test_all_forms_hold_the_same_sources(tmp_path):
    found = set()
    for form in FORMS:
        made(tmp_path / form, form=form)
        texts = [p.read_text() for p in sorted((tmp_path / form).rglob("*.[ch]"))
                 if p.parent.name in ("src", "include")]
        found.add(hash(tuple(sorted(texts))))
    assert len(found) == 1


def test_all_that_the_linker_sees_has_the_prefix(tmp_path):
    made(tmp_path, *ON_CORE, "--prefix", "mine")
    texts = [p.read_text() for p in (tmp_path / "src").iterdir()]
    assert not any(" et_" in text for text in texts)
    assert any("mine_model_train" in text for text in texts)


def test_a_board_gives_its_arena_and_a_later_library_takes_the_place(tmp_path):
    first = made(tmp_path, "--board", BOARD)
    again = made(tmp_path, "--board", BOARD, "--inference-only")
    assert first["arena_bytes"] > again["arena_bytes"]
    present = {str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file()}
    assert present == {*again["files"], "library.txt"}


def test_class_names_and_sizes_stand_in_the_header(tmp_path):
    made(tmp_path, *ON_CORE, "--prefix", "digits", "--classes", "nil,one")
    text = (tmp_path / "include" / "digits.h").read_text()
    for line in ('CLASS_NAMES {"nil", "one"}', "INPUT_SHAPE {8, 8, 1}", "INPUT_BYTES 64u",
                 "INPUT_ZERO_POINT (-128)", "OUTPUT_ZERO_POINT (49)", "STATE_BYTES 6376u",
                 "PROTOCOL 2u", "INPUT_SCALE 0.00392156886f"):
        assert f"#define DIGITS_{line}\n" in text


@pytest.mark.parametrize(("options", "code", "said"), [
    ((), 2, "Neither is named"),
    ((*ON_CORE, "--board", BOARD), 2, "Both are named"),
    ((*ON_CORE, "--prefix", "Digits"), 2, "cannot be the name"),
    ((*ON_CORE, "--prefix", "switch"), 2, "cannot be the name"),
    (("--core", "cortex-m99"), 2, "cortex-m99"),
    (("--board", "stm32vldiscovery"), 5, "does not fit"),
    ((*ON_CORE, "--ram", "8K"), 5, "does not fit"),
    ((*ON_CORE, "--train", "nothing"), 2, "no layer named nothing"),
])
def test_refusals_are_those_of_a_build(tmp_path, options, code, said):
    outcome = edgetune("library", MODEL, "--as", "sources", "-o", tmp_path / "lib", *options)
    assert outcome.code == code and said in outcome.stderr
    assert not (tmp_path / "lib").exists()


def test_a_folder_with_other_files_is_left_alone(tmp_path):
    (tmp_path / "mine.c").write_text("int mine;\n")
    outcome = edgetune("library", MODEL, "--as", "sources", "-o", tmp_path, *ON_CORE)
    assert outcome.code == 2 and "something else" in outcome.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["mine.c"]


@pytest.mark.parametrize(("title", "prefix"), [
    ("digits_int8", "digits_int8"), ("My Model-2", "my_model_2"), ("8bit", "model_8bit"),
    ("Switch", "switch_model"), ("é", "model"), ("et_x", "et_x_model"),
])
def test_a_prefix_is_made_of_the_file_s_name(title, prefix):
    assert default_prefix(title) == prefix
