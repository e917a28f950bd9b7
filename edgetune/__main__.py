"""``python -m edgetune`` is the command line."""

from edgetune.cli.main import main

main(prog_name="edgetune")
