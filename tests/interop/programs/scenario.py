"""What every client program needs to run one named scenario. Imports nothing but the standard library."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Iterable


def expect(actual: object, wanted: object, what: str) -> None:
    if actual != wanted:
        sys.exit(f"{what}: expected {str(wanted)[:500]}, got {str(actual)[:500]}")


def digest(pieces: Iterable[bytes]) -> str:
    running = hashlib.sha256()
    for piece in pieces:
        running.update(piece)
    return running.hexdigest()


def run(**scenarios: Callable[..., None]) -> None:
    """Runs the scenario that the command line names with the arguments after it."""
    name, *arguments = sys.argv[1:]
    scenarios[name](*arguments)
    print("done")
