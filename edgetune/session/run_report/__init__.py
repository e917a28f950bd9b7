"""The report of a run: one page, made of what its folder holds, at any moment of its life."""

from __future__ import annotations

from pathlib import Path

from edgetune.files import save_atomically
from edgetune.session.reporter import Reporter
from edgetune.session.run_folder import REPORT


def write_report(folder: Path, reporter: Reporter) -> None:
    """The page of the run in ``folder``, as far as it got; what keeps it from being written
    costs the run nothing."""
    from edgetune.session.run_report.run_page import run_page

    try:
        save_atomically(folder / REPORT, run_page(folder).encode())
    except Exception as error:
        reporter.note(f"Warning: no report: {type(error).__name__}: {error}")
