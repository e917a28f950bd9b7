"""Keras models through TensorFlow's converter, in every usual way, and what edgetune makes of
each file: a matrix.

    python tools/keras_matrix.py [MODEL ...] [--format NAME ...] [--way NAME ...] [--out FOLDER]
                                 [--host]

Needs TensorFlow (`pip install '.[keras]'`).  A cell says "ok" (read, every output is
tflite-runtime's, and it learns), "refused" (for a reason of ``keras_files/refused.py``), "REFUSED"
(for another one), "DIFFERS", "TF" where TensorFlow itself does not convert; sentences stand below
the matrix.  With --host each model's .keras and .h5 file goes through the whole of `edgetune
tune`, with this computer as the device.  The status is 1 where a word has capitals only but "TF".
With --out the files are kept.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

os.environ |= {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tools.keras_files.formats import FORMATS, WAYS, made, saved  # noqa: E402
from tools.keras_files.host import tuned_on_host  # noqa: E402
from tools.keras_files.judge import FLOAT_TOLERANCE, TOLERANCES, judge  # noqa: E402
from tools.keras_files.models import MODELS  # noqa: E402
from tools.keras_files.refused import REFUSED_LAYERS, is_known  # noqa: E402

WIDTH = 15  # of a column
SUFFIXES = (".keras", ".h5")
WRONG = ("REFUSED", "DIFFERS")


class Child:
    """A process with TensorFlow in it, beside which tflite-runtime cannot run; another one where
    TensorFlow ended it."""

    def __init__(self) -> None:
        self._start()

    def _start(self) -> None:
        self.pool = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))

    def ask(self, function: Callable, *arguments: str) -> bytes | str | None:
        try:
            return self.pool.submit(function, *arguments).result()
        except BrokenProcessPool:
            self._start()
            return "TensorFlow ends its process."


def main() -> int:
    options = _options()
    print(f"{'':27}" + "".join(f"{form:>{WIDTH + 1}}" for form in options.format))
    sentences: dict[str, list[str]] = {}
    child, wrong = Child(), False
    for name in options.models:
        for way in options.way:
            row = {form: _cell(child, name, way, form, options.out) for form in options.format}
            wrong |= _print_row(f"{name} {way[5:10]}", row, sentences)
        if options.host:
            row = {suffix: _file_cell(child, name, suffix) for suffix in SUFFIXES}
            wrong |= _print_row(f"{name} file", row, sentences)
    child.pool.shutdown()
    for sentence, where in sentences.items():
        print(f"\n{', '.join(where)}:\n  {sentence}")
    return int(wrong)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", default=list(MODELS))
    parser.add_argument("--format", action="append", choices=FORMATS)
    parser.add_argument("--way", action="append", choices=WAYS)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--host", action="store_true")
    options = parser.parse_args()
    options.format, options.way = options.format or FORMATS, options.way or WAYS
    return options


def _cell(child: Child, name: str, way: str, form: str, out: Path | None) -> tuple[str, str]:
    """Word and sentence of a .tflite file."""
    content = child.ask(made, name, way, form)
    if not isinstance(content, bytes):
        return "TF", f"TensorFlow: {content}"
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        (out / f"{name}.{way}.{form}.tflite").write_bytes(content)
    verdict = judge(content, TOLERANCES.get(form, FLOAT_TOLERANCE))
    known = verdict.read or is_known(name, verdict.refusal)
    return verdict.word if known else "REFUSED", verdict.refusal


def _file_cell(child: Child, name: str, suffix: str) -> tuple[str, str]:
    """Word and sentence of a Keras file that learns on this computer."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"{name}{suffix}")
        if failed := child.ask(saved, name, str(path)):
            return "TF", str(failed)
        sentence = tuned_on_host(path, Path(folder))
    if sentence == "ok":
        return "ok", ""
    known = is_known(name, sentence) or REFUSED_LAYERS.get(name, "-") in sentence
    return "refused" if known else "REFUSED", sentence


def _print_row(
    title: str, row: dict[str, tuple[str, str]], sentences: dict[str, list[str]]
) -> bool:
    """Whether anything in it is wrong."""
    words = [word for word, _ in row.values()]
    print(f"{title:27.27}" + "".join(f"{word:>{WIDTH + 1}}" for word in words), flush=True)
    for column, (_, sentence) in row.items():
        if sentence:
            sentences.setdefault(sentence, []).append(f"{title} {column}")
    return any(word in WRONG for word in words)


if __name__ == "__main__":
    sys.exit(main())
