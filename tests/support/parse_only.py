"""Reads command lines of scripts as these would, and stops there.

    python tests/support/parse_only.py 'python examples/accuracy/few.py --jobs 4' ...

Each script is run up to where its parser has taken the words.  Ends with 1, and says which, where
a parser refuses them or nobody parsed anything.
"""

from __future__ import annotations

import argparse
import runpy
import shlex
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
STANDS_FOR = {"N": "5", "NAME": "adaptive", "WHAT": "last", "FOLDER": "models", "FILE": "m.npz"}


class Parsed(BaseException):
    """All words were understood."""


def stop(parser, *given, **known):
    ARGPARSE(parser, *given, **known)
    raise Parsed


ARGPARSE, argparse.ArgumentParser.parse_args = argparse.ArgumentParser.parse_args, stop


def parses(command: str) -> bool:
    """Whether the script's parser takes the words behind its name; brackets are left out."""
    script, *words = shlex.split(command.replace("[", "").replace("]", ""))[1:]
    before, known = sys.path[:], {*sys.modules}
    sys.argv = [script, *(STANDS_FOR.get(word, word) for word in words)]
    sys.path.insert(0, str((ROOT / script).parent))
    try:
        runpy.run_path(str(ROOT / script), run_name="__main__")
    except Parsed:
        return True
    except SystemExit as end:
        print(f"{command}: {end.code}", file=sys.stderr)
    finally:
        sys.path[:] = before
        for name in {*sys.modules} - known:  # folders of examples have modules of one name
            place = getattr(sys.modules[name], "__file__", None) or ""
            if place.startswith(str(ROOT / "examples")):
                del sys.modules[name]
    return False


if __name__ == "__main__":
    sys.exit(not all([parses(command) for command in sys.argv[1:]]))
