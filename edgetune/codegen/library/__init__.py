"""A model as a library for a product's own firmware, in the form that its build system takes."""

from typing import TYPE_CHECKING

from edgetune.homes import at_first_use

if TYPE_CHECKING:
    from edgetune.codegen.library.forms import FORMS
    from edgetune.codegen.library.names import check_prefix
    from edgetune.codegen.library.write import Library, Wanted, write_library

__all__ = ["FORMS", "Library", "Wanted", "check_prefix", "write_library"]

__getattr__ = at_first_use(__name__, {
    "forms": ("FORMS",),
    "names": ("check_prefix",),
    "write": ("Library", "Wanted", "write_library"),
})  # fmt: skip
