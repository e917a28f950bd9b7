"""Where this edgetune was installed from: commands that install from there again.

No package index has edgetune under this name, so every command names a checkout or a wheel.
"""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from urllib.parse import unquote, urlsplit

from edgetune import __version__

WHEEL = f"edgetune-{__version__}-py3-none-any.whl"
CHECKOUT = Path(__file__).parents[1]


def install_command(extra: str = "", again: bool = False) -> str:
    """The pip command for edgetune, from where this one came.

    Args:
        extra: one of its extras, as "onnx".
        again: install what is there already, anew.
    """
    place, editable = _origin()
    extras = f"[{extra}]" if extra else ""
    where = f"edgetune{extras} @ {place}" if "://" in place else f"{place}{extras}"
    options = " --force-reinstall" * again + " -e" * editable
    return f"pip install{options} {shlex.quote(where)}"


def wheel_file() -> Path | None:
    """The wheel that this edgetune was installed from, where it still lies there."""
    place = Path(_origin()[0])
    return place if place.suffix == ".whl" and place.is_file() else None


def wheel_command(folder: str) -> str:
    """What makes this edgetune's wheel in ``folder``: by pip, of the place it came from."""
    place, _ = _origin()
    return f"pip wheel --no-deps -w {shlex.quote(folder)} {shlex.quote(place)}"


def _origin() -> tuple[str, bool]:
    """A path or an address that pip takes, and whether its files are used where they lie."""
    record = _record()
    url = record.get("url", "")
    if not url:
        return (str(CHECKOUT), False) if (CHECKOUT / "pyproject.toml").is_file() else (WHEEL, False)
    if url.startswith("file:"):
        return unquote(urlsplit(url).path), bool(record.get("dir_info", {}).get("editable"))
    if control := record.get("vcs_info"):
        return f"{control['vcs']}+{url}@{control['commit_id']}", False
    return url, False


def _record() -> dict:
    """What pip noted (PEP 610); {} where it noted nothing."""
    from importlib.metadata import PackageNotFoundError, distribution  # much for what few ask

    try:
        text = distribution("edgetune").read_text("direct_url.json")
    except PackageNotFoundError:
        return {}
    return json.loads(text) if text else {}
