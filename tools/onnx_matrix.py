"""PyTorch modules through ONNX, by both exporters, in many opsets, quantised by ONNX Runtime in
every usual way, and what edgetune makes of each file: a matrix.

    python tools/onnx_matrix.py [MODEL ...] [--exporter NAME ...] [--opset N ...] [--form NAME ...]
                                [--maker PYTHON] [--out FOLDER] [--made]

PyTorch is an extra that a user installs: the files are made by `pip install torch onnx onnxscript
onnxruntime`, with --maker by the Python of another environment that has them.  A cell has a letter
for each opset: "o" is ok (read, the outputs are ONNX Runtime's, as int8 tflite-runtime's, and it
learns), "r" refused (the sentences stand below the matrix), "D" differs, "n" where the file runs
and does not learn, "-" where PyTorch or ONNX Runtime makes no file.  The status is 1 where an
output differs.  With --out the files are kept, with --made those of a run before are judged again.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tools.keras_files.judge import Verdict  # noqa: E402
from tools.onnx_files.formats import EXPORTERS, FORMS, OPSETS  # noqa: E402
from tools.onnx_files.judge import TOLERANCES, judge  # noqa: E402

LETTERS = {"ok": "o", "refused": "r", "DIFFERS": "D", "runs": "n"}
WIDTH = 11  # of a column


def main() -> int:
    options = _options()
    with tempfile.TemporaryDirectory() as folder:
        out = options.out or Path(folder)
        print(f"{'':30}" + "".join(f"{form:>{WIDTH}}" for form in options.form))
        refusals: dict[str, list[str]] = {}
        names = _made_before(options) if options.made else _made(out, options)
        differ = [_rows(name, out, options, refusals) for name in names]
    for sentence, where in refusals.items():
        print(f"\n{', '.join(where)}:\n  {sentence}")
    return int(any(differ))


def _rows(name: str, out: Path, options: argparse.Namespace, refusals: dict) -> bool:
    """Prints the rows of a model; whether an output differs."""
    differ = False
    for exporter in options.exporter:
        cells = []
        for form in options.form:
            paths = [out / f"{name}.{exporter}.{opset}.{form}" for opset in options.opset]
            cells.append("".join(_letter(path, form, refusals) for path in paths))
        print(f"{name} {exporter}".ljust(30) + "".join(f"{c:>{WIDTH}}" for c in cells), flush=True)
        differ |= any("D" in cell for cell in cells)
    return differ


def _made(out: Path, options: argparse.Namespace) -> Iterator[str]:
    """The models, each when its files stand in ``out``; made while those before are judged."""
    lists = [",".join(map(str, o)) for o in (options.exporter, options.opset, options.form)]
    command = [options.maker, "-m", "tools.onnx_files.formats", str(out.resolve()), *lists]
    with (
        tempfile.TemporaryFile("w+") as said,
        subprocess.Popen([*command, *options.models], cwd=ROOT, stdout=subprocess.PIPE,
                         stderr=said, text=True) as maker,
    ):  # fmt: skip
        yield from map(str.strip, maker.stdout)
        if maker.wait():
            said.seek(0)
            sys.exit(said.read()[-2000:])


def _made_before(options: argparse.Namespace) -> list[str]:
    names = {path.name.split(".")[0] for path in options.out.iterdir()}
    if missing := set(options.models) - names:
        sys.exit(f"{options.out} has no files of {', '.join(sorted(missing))}")
    return options.models or sorted(names)


def _letter(path: Path, form: str, refusals: dict[str, list[str]]) -> str:
    """One letter of a cell; notes the sentence where there is one."""
    file = Path(f"{path}.onnx")
    if not file.exists():
        return "-"
    verdict = _judged(file.read_bytes(), form)
    if verdict.refusal:
        refusals.setdefault(verdict.refusal, []).append(path.name)
    return LETTERS[verdict.word]


@lru_cache(maxsize=None)
def _judged(content: bytes, form: str) -> Verdict:
    """Opsets whose file is the same are judged once."""
    return judge(content, TOLERANCES[form])


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*")
    parser.add_argument("--exporter", action="extend", nargs="+", choices=EXPORTERS)
    parser.add_argument("--opset", action="extend", nargs="+", type=int, choices=OPSETS)
    parser.add_argument("--form", action="extend", nargs="+", choices=FORMS)
    parser.add_argument("--maker", default=sys.executable)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--made", action="store_true")
    options = parser.parse_args()
    for name, whole in (("exporter", EXPORTERS), ("opset", OPSETS), ("form", FORMS)):
        setattr(options, name, getattr(options, name) or whole)
    return options


if __name__ == "__main__":
    sys.exit(main())
