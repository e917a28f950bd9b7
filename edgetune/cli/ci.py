"""``edgetune ci``: a pipeline for a project."""

from __future__ import annotations

from pathlib import Path

import click

from edgetune.ci.init import (
    GITLAB,
    GITLAB_PART,
    bring_wheel,
    pipeline_files,
    present_services,
    write_files,
)
from edgetune.ci.workflows import WHEEL_PATH, WHEELS
from edgetune.cli.options import board_option
from edgetune.cli.printer import Printer
from edgetune.cli.verb import verb
from edgetune.installation import wheel_command


@click.group("ci")
def command():
    """Learning tests in a pipeline, on emulated boards."""


@verb("init")
@board_option
@click.option("--model", required=True, metavar="FILE", help="A model in this folder.")
@click.option("--data", required=True, metavar="SOURCE", help="Its data, as for `edgetune tune`.")
@click.option("--github", is_flag=True, help="For GitHub Actions.")
@click.option("--gitlab", is_flag=True, help="For GitLab CI.")
@click.option("--install", metavar="WHEEL|URL", default=WHEEL_PATH, show_default=True,
              help="What the pipeline's pip installs edgetune from: a wheel in this folder, or an "
              "address (https://..., git+https://...).")
@click.option("--force", is_flag=True, help="Replace a workflow that is there.")
def init_command(
    printer: Printer, board: str, model: str, data: str, github: bool, gitlab: bool,
    install: str, force: bool,
):
    """Write a workflow, tests/test_learning.py and edgetune.toml into the current folder.

    Without --github and --gitlab: for what the folder has already, else for GitHub. A test and
    an edgetune.toml that are there are kept. Its model, board and data are the defaults.
    """
    named = [name for name, wanted in (("github", github), ("gitlab", gitlab)) if wanted]
    folder = Path.cwd()
    services = named or present_services(folder)
    texts = pipeline_files(folder, board, model, data, services, install)
    states = write_files(folder, texts, force)
    printer.result = {"files": [{"path": p, "state": state} for p, state in states.items()]}
    printer.table(["file", ""], [[path, state] for path, state in states.items()])
    if GITLAB_PART in states:
        printer.text(f"\nAdd to {GITLAB}:\n\ninclude:\n  - local: {GITLAB_PART}")
    if install == WHEEL_PATH and not bring_wheel(folder):
        printer.text(
            f"\nThe pipeline installs edgetune from {WHEEL_PATH}, which is not there yet. It "
            f"belongs into the repository, and comes by\n\n    {wheel_command(WHEELS)}"
        )
    printer.text("\nTry the tests here first: pytest tests/test_learning.py")


command.add_command(init_command)
