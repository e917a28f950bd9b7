"""Findings of cppcheck's MISRA C:2012 add-on in a library, counted, and why they stand.

    python tools/misra.py          the table of docs/misra.md; needs cppcheck and takes a minute

The library is that of the digits for a Cortex-M4, with the link.  The add-on says numbers alone:
the rules' texts are MISRA's own.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[1]
MODEL = ROOT / "examples" / "digits" / "digits_int8.tflite"

WORDS = "declarations of several names at once"
SIGNS = "int8 values promoted to int, beside unsigned counts and words; -Wconversion is clean"
WHY = {
    "2.2": "the arena's first buffer: arena + 0",
    "2.3": "types of headers that not every model uses",
    "2.4": "likewise",
    "2.5": "macros likewise; include guards",
    "2.7": "kernels of one operator share a signature",
    "5.5": "names that a macro has too, as arena",
    "5.6": "types of two files with one name",
    "5.7": "structures without a tag",
    "5.9": "static functions of two files with one name",
    "7.2": "a large constant without u",
    "8.4": "the model's own object, declared in the product's header",
    "8.7": "functions that tests and other models call from elsewhere",
    "8.9": "tables stand together, where the file begins",
    "8.11": "an array whose size the generated file knows",
    "8.14": "restrict, by which loads of a kernel can be kept",
    "9.2": "a structure in a structure, its values without braces of their own",
    "9.3": "a structure of values that a call gives",
    "10.1": SIGNS, "10.3": SIGNS, "10.4": SIGNS, "10.6": SIGNS, "10.7": SIGNS, "10.8": SIGNS,
    "11.3": "the members of a structure, reached from its first",
    "11.5": "gradients and layers pass through void pointers, each to the kernel that knows it",
    "11.6": "the test of a pointer's alignment",
    "11.8": "a constant structure's pointer to what changes, passed on; -Wcast-qual finds nothing",
    "11.9": "0 as a null pointer",
    "12.1": "precedence that every C programmer knows",
    "12.2": "shifts whose bound the lines before settle",
    "12.3": WORDS,
    "13.3": "pointers that step on as they are read",
    "13.4": "two variables set at once, or a value taken in a condition",
    "14.2": "loops over pointers, or that count down",
    "14.4": "counts and flags as conditions",
    "15.5": "an early return where there is nothing to do",
    "15.7": "a chain of cases without a last else",
    "16.3": "a step's stages fall through on purpose: that is how a slice runs several",
    "17.7": "what memcpy and memset return",
    "17.8": "a parameter that is counted down",
    "18.4": "pointers that walk along rows",
    "20.1": "the header of the rule that was chosen",
    "20.7": "strings of assembly",
    "20.10": "assembly that is put together of strings",
}


def findings(folder: Path) -> Counter:
    """Rule -> how often it is found in the C files of a library."""
    sources = sorted((folder / "src").glob("*.c"))
    done = subprocess.run([
        "cppcheck", "--addon=misra", "-q", "--std=c99", "-I", folder / "include", "-I",
        folder / "src", "--template={id}", *sources,
    ], capture_output=True, text=True, check=True)
    return Counter(re.findall(r"^misra-c2012-([\d.]+)$", done.stderr, re.M))


def library(folder: Path) -> Path:
    subprocess.run([
        sys.executable, "-m", "edgetune", "library", MODEL, "--as", "sources", "--core",
        "cortex-m4", "--link", "-q", "-o", folder,
    ], check=True, capture_output=True, cwd=ROOT)
    return folder


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        found = findings(library(Path(folder) / "library"))
    print("| rule | findings | why |\n|---|---|---|")
    for rule in sorted(found, key=lambda name: tuple(map(int, name.split(".")))):
        print(f"| {rule} | {found[rule]} | {WHY.get(rule, 'not explained')} |")


if __name__ == "__main__":
    main()
