"""Stack frames, and the calls that no relocation shows."""

from __future__ import annotations

import re
import subprocess
import tempfile
from pathlib import Path

# What the calls through a pointer in these files reach; through a table that the caller
# refers to needs no entry.
POINTERS = {
    **dict.fromkeys(("update.c", "update_steps.c", "multinomial_global.c"), ["model.c:*_row"]),
    "update_blocks.c": ["et_*_dsp_gradient", "et_*_lines_gradient"],
    "draw.c": ["update.c:form_row", "update_blocks.c:formed_row", "update_biases.c:bias_of"],
    "frames.c": ["port_tx"],
    "requests.c": [],
}
# What functions of nothing but assembly save, of which the compiler knows nothing: ET_ARMV6M_ENTER,
# and what sum_line_pairs keeps beside.
ENTERED = 36
ASSEMBLY = {"et_dot_4": ENTERED, "et_dot_columns_4": ENTERED, "sum_line_pairs": ENTERED + 28}
SAVES = (
    re.compile(r"\t(?:push|stmdb\s+sp!,|stmfd\s+sp!,)\s*\{(?P<list>[^}]*)\}"),
    re.compile(r"\tsub(?:\.w|w)?\s+sp,(?:\s*sp,)?\s*#(?P<bytes>\d+)"),
    re.compile(r"\[sp, #-(?P<bytes>\d+)\]!"),
)


def read_frames(su: Path) -> dict[str, int]:
    """Function -> bytes of stack, from a file that -fstack-usage wrote.

    Raises:
        ValueError: a frame whose size the compiler cannot bound.
    """
    frames = {}
    for line in su.read_text().splitlines():
        place, size, kind = line.split("\t")
        if "static" not in kind and "bounded" not in kind:
            raise ValueError(f"{place}: the frame is {kind}")
        name = place.rsplit(":", 1)[1]
        frames[name] = int(size) or ASSEMBLY.get(name, 0)
    return frames


def read_pointers(ci: Path) -> dict[str, list[str]]:
    """Function -> patterns of what it calls through pointers.

    Raises:
        ValueError: a file calls through a pointer and is not listed, or a function calls
            itself: then the depth of the stack is not known.
    """
    edges = re.findall(r'edge: \{ sourcename: "([^"]+)" targetname: "([^"]+)"', ci.read_text())
    file = f"{ci.stem}.c"
    calling = {source.rsplit(":", 1)[-1] for source, target in edges
               if target == "__indirect_call"}
    if calling and file not in POINTERS:
        raise ValueError(f"{file} calls through a pointer: say in POINTERS what it reaches")
    for source, target in edges:
        if source == target:
            raise ValueError(f"{source} calls itself")
    return {function: POINTERS[file] for function in calling}


def read_assembly_frame(content: bytes) -> int:
    """At most so many bytes of stack does a library function take: all that it ever saves."""
    with tempfile.NamedTemporaryFile(suffix=".o") as file:
        file.write(content)
        file.flush()
        text = subprocess.run(
            ["arm-none-eabi-objdump", "-d", file.name], capture_output=True, check=True, text=True
        ).stdout
    total = 0
    for pattern in SAVES:
        for match in pattern.finditer(text):
            groups = match.groupdict()
            total += 4 * _count(groups["list"]) if "list" in groups else int(groups["bytes"])
    return -(-total // 8) * 8


def _count(registers: str) -> int:
    """Registers in ``r4, r5-r7, lr``."""
    total = 0
    for word in registers.replace(" ", "").split(","):
        first, _, last = word.partition("-")
        total += int(last[1:]) - int(first[1:]) + 1 if last else 1
    return total
