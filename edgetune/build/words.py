"""Words of the shell in a makefile."""

import shlex


def shell_word(value: object) -> str:
    """``value`` as one word of the shell, in a recipe or a variable of make."""
    return shlex.quote(str(value)).replace("$", "$$")
