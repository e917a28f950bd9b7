"""Keras models through TensorFlow's converter, in every usual way, and what edgetune makes of
each file: a matrix.

    python tools/keras_matrix.py [MODEL ...] [--format NAME ...] [--way NAME ...] [--out FOLDER]

Needs TensorFlow (`pip install 'edgetune[keras]'`).  A cell says "ok" (read, every output is
tflite-runtime's, and it learns), "refused" (the sentences stand below the matrix), "DIFFERS",
"TF" where TensorFlow itself does not convert.  The status is 1 where an output differs.  With
--out the files are kept.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

os.environ |= {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tools.keras_files.formats import FORMATS, WAYS, made  # noqa: E402
from tools.keras_files.judge import FLOAT_TOLERANCE, TOLERANCES, Verdict, judge  # noqa: E402
from tools.keras_files.models import MODELS  # noqa: E402

WIDTH = 15  # of a column


def main() -> int:
    options = _options()
    print(f"{'':27}" + "".join(f"{form:>{WIDTH + 1}}" for form in options.format))
    refusals: dict[str, list[str]] = {}
    differ = False
    for name in options.models:
        files = _files(name, options)
        for way in options.way:
            verdicts = {form: _verdict(files[way, form], form) for form in options.format}
            _print_row(f"{name} {way[5:10]}", verdicts, refusals)
            differ |= any(isinstance(v, Verdict) and v.runs is False for v in verdicts.values())
    for sentence, where in refusals.items():
        print(f"\n{', '.join(where)}:\n  {sentence}")
    return int(differ)


def _files(name: str, options: argparse.Namespace) -> dict[tuple[str, str], bytes | str]:
    """The files of a model by way and format; in the place of one TensorFlow's words where it
    does not convert.  Made in another process: tflite-runtime cannot run beside TensorFlow."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        files = pool.submit(made, name, options.way, options.format).result()
    for (way, form), content in files.items():
        if options.out is not None and isinstance(content, bytes):
            options.out.mkdir(parents=True, exist_ok=True)
            (options.out / f"{name}.{way}.{form}.tflite").write_bytes(content)
    return files


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", default=list(MODELS))
    parser.add_argument("--format", action="append", choices=FORMATS)
    parser.add_argument("--way", action="append", choices=WAYS)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    options.format, options.way = options.format or FORMATS, options.way or WAYS
    return options


def _verdict(content: bytes | str, form: str) -> Verdict | str:
    if isinstance(content, str):
        return content
    return judge(content, TOLERANCES.get(form, FLOAT_TOLERANCE))


def _print_row(title: str, verdicts: dict, refusals: dict[str, list[str]]) -> None:
    words = [v.word if isinstance(v, Verdict) else "TF" for v in verdicts.values()]
    print(f"{title:27.27}" + "".join(f"{word:>{WIDTH + 1}}" for word in words), flush=True)
    for form, verdict in verdicts.items():
        sentence = verdict.refusal if isinstance(verdict, Verdict) else f"TensorFlow: {verdict}"
        if sentence:
            refusals.setdefault(sentence, []).append(f"{title} {form}")


if __name__ == "__main__":
    sys.exit(main())
