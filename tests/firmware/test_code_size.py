"""tools/code_size.py: what a linker's map says is in an image."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tools.code_size import Part, parts_of  # noqa: E402

MAP = """\
Discarded input sections

 .text.et_gone  0x00000000       0x10 build/obj/firmware/engine/a.o

Linker script and memory map

 .text.et_one   0x00000100       0x20 build/obj/firmware/engine/a.o
                0x00000100                et_one
 .text.et_long_name
                0x00000120       0x40 build/obj/model.o
 .text          0x00000160        0x0 build/obj/firmware/link/frames.o
 .rodata.a_shift
                0x00000160        0x8 build/obj/model.o
 .rodata.et_initial
                0x00000168      0x100 build/obj/weights.o
 .text          0x00000268        0xc /usr/lib/libgcc.a(_divmod.o)
 .text.port_tx  0x00000274        0x6 build/obj/firmware/ports/cortex_m/port.o
"""


def test_parts_of_an_image_say_where_they_come_from():
    assert parts_of(MAP) == [
        Part("weights", "et_initial", 0x100), Part("model's calls", "et_long_name", 0x40),
        Part("engine", "et_one", 0x20), Part("compiler's libraries", "libgcc.a(_divmod.o)", 0xC),
        Part("tables", "a_shift", 8), Part("ports", "port_tx", 6),
    ]
