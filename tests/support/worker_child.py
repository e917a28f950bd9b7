"""What children of the tests' workers answer; it imports little, so that they start quickly."""

import os
import sys
import time


def answer(what: bytes, more: bytes = b"") -> bytes:
    """``what`` and ``more``; some words stand for what else a child may do."""
    if what == b"die":
        print("bad\nlast words", file=sys.stderr, flush=True)
        os.abort()
    if what == b"mutter":
        print("last words", file=sys.stderr, flush=True)
        time.sleep(0.3)
        os.abort()
    if what == b"leave":
        os._exit(3)
    if what == b"exit":
        sys.exit(4)
    if what == b"nameless":
        raise MemoryError
    if what == b"fail":
        raise ValueError("no\nsuch thing")
    if what == b"sleep":
        time.sleep(600)
    if what == b"print":
        os.write(1, b"noise")
        print("more noise", flush=True)
    return str(os.getpid()).encode() if what == b"pid" else what + more
