"""What the tidy tests look at: the files of this repository as git sees them, and their syntax trees.

Knows nothing of what the code does. Files that are not committed yet count too, ignored ones do not.
"""

from __future__ import annotations

import ast
import functools
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("anvil_site", "control", "dataplane", "gossip", "s3gateway")
GENERATED_SUFFIXES = ("_pb2.py", "_pb2_grpc.py", "_pb2.pyi")


@functools.cache
def files() -> tuple[Path, ...]:
    """Every file of the repository, relative to its root, in byte order."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    ).stdout.decode()
    return tuple(sorted(Path(name) for name in set(listed.split("\0")) if name and (ROOT / name).is_file()))


def is_generated(path: Path) -> bool:
    return path.name.endswith(GENERATED_SUFFIXES) or "migrations" in path.parts


@functools.cache
def python_files() -> tuple[Path, ...]:
    """Python written by hand: no migrations, no compiled protocols."""
    return tuple(path for path in files() if path.suffix == ".py" and not is_generated(path))


def package_files() -> tuple[Path, ...]:
    return tuple(path for path in python_files() if path.parts[0] in PACKAGES)


def text(path: Path) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


@functools.cache
def tree(path: Path) -> ast.Module:
    return ast.parse(text(path), filename=str(path))


def is_test(path: Path) -> bool:
    return path.parts[0] == "tests"
