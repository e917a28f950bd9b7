"""``edgetune ci init``: a project gets a pipeline, a first test and its edgetune.toml."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from math import ceil
from pathlib import Path

from edgetune.boards import load_board
from edgetune.ci import workflows
from edgetune.ci.patience import seconds_of_test
from edgetune.ci.project import Project
from edgetune.ci.settings import job_of
from edgetune.errors import UsageError
from edgetune.files import save_atomically
from edgetune.installation import wheel_file
from edgetune.session.job import Job
from edgetune.settings import FILE

TEST = "tests/test_learning.py"
GITHUB = ".github/workflows/edgetune.yml"
GITLAB, GITLAB_PART = ".gitlab-ci.yml", ".gitlab/edgetune.yml"
OURS = "# Written by `edgetune ci init`"


def present_services(folder: Path) -> list[str]:
    """"github" and "gitlab" by what ``folder`` holds of them; ["github"] where it is neither."""
    signs = {"github": (".github",), "gitlab": (GITLAB, ".gitlab")}
    found = [name for name, paths in signs.items() if any((folder / p).exists() for p in paths)]
    return found or ["github"]


def pipeline_files(
    folder: Path, board: str, model: str, data: str, services: Sequence[str],
    install: str = workflows.WHEEL_PATH,
) -> dict[str, str]:
    """Text of every file of a pipeline in the project ``folder``, by path; nothing is written.

    Raises:
        UsageError: no such board, files outside the folder, or edgetune.toml says otherwise.
        ModelError, DataError: model and data cannot be used, on a pipeline as little as here.
    """
    choices = {"board": board, "model": model, "data": data}
    choices = {key: _inside(folder, value) for key, value in choices.items()}
    project = Project(folder)
    _check_agreement(folder, project.settings, choices)
    loaded = load_board(project.board(choices["board"]))
    job = job_of(loaded, project.with_settings(choices))
    seconds = seconds_of_test(job)  # reads the data, and so checks them
    texts = {
        _workflow_path(folder, name): workflows.workflow(name, loaded, seconds, install)
        for name in services
    }
    return texts | {
        TEST: workflows.learning_test(_budgets(job)),
        FILE: workflows.settings_file(choices),
    }


def write_files(folder: Path, texts: dict[str, str], force: bool) -> dict[str, str]:
    """Writes all of ``texts`` or none; says of each path: "written", "replaced" or "kept".

    A test and an edgetune.toml that are there are kept.

    Raises:
        UsageError: a workflow is there that is another, and ``force`` is not given; or a file
            cannot be written.
    """
    there = {path for path in texts if (folder / path).exists()}
    same = {path for path in there if (folder / path).read_bytes() == texts[path].encode()}
    kept = same | there & {TEST, FILE}
    if (taken := sorted(there - kept)) and not force:
        raise UsageError(
            f"{' and '.join(taken)} would be replaced.", "It is there and differs.",
            "Look at it, then give --force; or move it away.",
        )
    _write_all(folder, {path: text for path, text in texts.items() if path not in kept})
    return {
        path: "kept" if path in kept else "replaced" if path in there else "written"
        for path in texts
    }


def bring_wheel(folder: Path) -> bool:
    """Puts the wheel that this edgetune was installed from where the workflow looks for it, if it
    is still there; whether one is in place now."""
    target, found = folder / workflows.WHEEL_PATH, wheel_file()
    if not target.exists() and found is not None:
        target.parent.mkdir(exist_ok=True)
        save_atomically(target, found.read_bytes())
    return target.exists()


def _write_all(folder: Path, texts: dict[str, str]) -> None:
    old = {p: (folder / p).read_bytes() if (folder / p).exists() else None for p in texts}
    done = []
    try:
        for path, text in texts.items():
            done.append(path)
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            save_atomically(folder / path, text.encode())
    except BaseException:
        for path in done:
            _restore(folder / path, old[path])
        raise


def _restore(path: Path, content: bytes | None) -> None:
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True) if content is None else save_atomically(path, content)


def _workflow_path(folder: Path, service: str) -> str:
    """Beside a GitLab pipeline of the project's own, the job gets a file to include."""
    if service == "github":
        return GITHUB
    main = folder / GITLAB
    ours = not main.exists() or main.read_text(errors="replace").startswith(OURS)
    return GITLAB if ours else GITLAB_PART


def _inside(folder: Path, name: str) -> str:
    """``name`` relative to ``folder``; a pipeline has nothing else."""
    file, colon, function = name.partition(":")
    path = folder / file
    if not path.exists() and colon:
        return name  # module:function
    try:
        return f"{path.resolve().relative_to(folder.resolve())}{colon}{function}"
    except ValueError:
        raise UsageError(
            f"{name} lies outside this folder.", "A pipeline has only the repository's files.",
            "Copy it into the repository, and run edgetune ci init at its top.",
        ) from None


def _check_agreement(folder: Path, settings: dict, choices: dict[str, str]) -> None:
    """An edgetune.toml that is there is kept, so the tests will go by it."""
    said = {key: _inside(folder, str(settings[key])) for key in choices if key in settings}
    wrong = {key: value for key, value in choices.items() if said.get(key) != value}
    if settings and wrong:
        raise UsageError(
            f"{FILE} says otherwise, or nothing, of {' and '.join(wrong)}.",
            "It is kept as it is, and the tests go by it.",
            f"Write into it:\n{workflows.settings_file(wrong).rstrip()}",
        )


def _budgets(job: Job) -> tuple[int, int] | None:
    """RAM and instructions, a tenth above the plan: the pipeline's compiler may be another.

    None for a float model, whose int8 form may change.
    """
    if job.conversion:
        return None
    return _above(job.estimate.ram_bytes), _above(job.estimate.step_instructions)


def _above(value: int) -> int:
    """A tenth more, with zeros behind the third digit."""
    unit = 10 ** max(0, len(str(value)) - 3)
    return unit * ceil(1.1 * value / unit)
