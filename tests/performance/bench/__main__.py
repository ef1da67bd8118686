"""`make bench`: measures a fresh node, alone or beside other S3 endpoints, and writes the figures as Markdown.

Examples:

    make bench
    make bench ARGS="--stores 6 --sizes 1m,64m --operations put,get"
    make bench ARGS="--target other=http://127.0.0.1:9000,access_key=K,secret_key=S"
    make bench ARGS="--operations none --listing 1000000"
"""

from __future__ import annotations

import argparse
import contextlib
import shlex
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.performance.bench import listing, report
from tests.performance.bench.cells import OPERATIONS, Bench, Body, Cell, Limits
from tests.performance.bench.loadgen import Driver, binary
from tests.performance.bench.signing import Signer
from tests.performance.bench.target import HELP, Target, TargetRefused, parse_target
from tests.support.node_process import ROOT, NodeFailed, RunningNode, running_node

SIZE_UNITS = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30}


def parse_size(text: str) -> int:
    unit = SIZE_UNITS.get(text[-1:].lower())
    digits = text[:-1] if unit else text
    if not digits.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is not a size; write 1k, 64k, 1m or a number of bytes")
    return int(digits) * (unit or 1)


def parse_sizes(text: str) -> list[int]:
    return [parse_size(one) for one in text.split(",")]


def parse_clients(text: str) -> list[int]:
    if not all(one.isdigit() and int(one) for one in text.split(",")):
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of numbers of clients; write 1,16")
    return [int(one) for one in text.split(",")]


def parse_operations(text: str) -> list[str]:
    asked = [] if text == "none" else text.split(",")
    if set(asked) - set(OPERATIONS):
        raise argparse.ArgumentTypeError(f"{text!r}: choose from {','.join(OPERATIONS)}, or none")
    return asked


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="make bench ARGS=...", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--target", action="append", default=[], type=parse_target, metavar="TARGET", help=HELP)
    parser.add_argument("--no-node", action="store_true", help="start no node; the first --target is the yardstick")
    parser.add_argument("--stores", type=int, default=1, help="stores of the started node (default 1; 6 makes 4+2)")
    parser.add_argument("--workers", type=int, default=2, help="worker processes of the started node (default 2)")
    parser.add_argument("--directory", type=Path, help="where its data lives (default: a temporary directory)")
    parser.add_argument("--operations", type=parse_operations, default=list(OPERATIONS), help="default: all four")
    parser.add_argument("--sizes", type=parse_sizes, default="1k,64k,1m,64m", help="default: 1k,64k,1m,64m")
    parser.add_argument("--clients", type=parse_clients, default="1,16", help="default: 1,16")
    parser.add_argument("--seconds", type=float, default=5, help="of one cell on one target in one round (default 5)")
    parser.add_argument("--rounds", type=int, default=3, help="the median of so many counts (default 3)")
    parser.add_argument("--most-requests", type=int, default=40_000, help="of one cell, target and round")
    parser.add_argument("--most-bytes", type=parse_size, default="2g", help="of one cell, target and round")
    parser.add_argument("--listing", type=int, default=0, metavar="KEYS", help="also list a bucket of so many keys")
    parser.add_argument("--output", type=Path, help="write the Markdown here as well")
    return parser


def target_of(node: RunningNode) -> Target:
    signer = Signer(node.access_key, node.secret_key, node.region)
    return Target("anvil", "127.0.0.1", node.port, signer, "bench-anvil", {node.pid})


def show(cell: Cell, collected: list[Cell]) -> None:
    collected.append(cell)
    for row in report.rows(cell):
        print(report.table_line(row), flush=True)
    for line in report.failures(cell)[:3]:
        print(f"  ! {line}", file=sys.stderr, flush=True)


def run(options: argparse.Namespace, targets: list[Target], scratch: Path) -> list[Cell]:
    driver = Driver(binary(ROOT / ".cache" / "bench"), scratch)
    body = Body(scratch / "body", max(options.sizes))
    limits = Limits(options.seconds, options.most_requests, options.most_bytes)
    cells: list[Cell] = []
    for target in targets:
        target.make_bucket()
    print("\n".join(report.table_head()), flush=True)
    bench = Bench(targets, driver, body, limits, options.rounds)
    for cell in bench.run(options.operations, options.sizes, options.clients):
        show(cell, cells)
    for target in targets:
        target.remove_bucket()
    if options.listing:
        for target in targets:
            target.bucket += "-listing"
            target.make_bucket()
            listing.fill(target, driver, options.listing)
        for cell in listing.measure(
            targets, driver, options.listing, clients=options.clients, seconds=options.seconds, rounds=options.rounds
        ):
            show(cell, cells)
    return cells


@contextlib.contextmanager
def measured_targets(options: argparse.Namespace, directory: Path) -> Iterator[list[Target]]:
    if options.no_node:
        yield options.target
        return
    with running_node(directory, stores=options.stores, workers=options.workers) as node:
        yield [target_of(node), *options.target]


def main() -> int:
    parser = arguments()
    options = parser.parse_args()
    if options.no_node and not options.target:
        parser.error("--no-node needs at least one --target")
    if len({target.name for target in options.target} | {"anvil"}) != len(options.target) + 1:
        parser.error("every target needs a name of its own, other than anvil")
    about = [] if options.no_node else [f"The node: {options.stores} store(s), {options.workers} workers, defaults."]
    command = shown_command(sys.argv[1:])
    with tempfile.TemporaryDirectory(prefix="anvil-bench-") as made, tempfile.TemporaryDirectory(dir=ram()) as scratch:
        try:
            with measured_targets(options, options.directory or Path(made)) as targets:
                cells = run(options, targets, Path(scratch))
        except (TargetRefused, NodeFailed) as problem:
            print(f"bench: {problem}", file=sys.stderr)
            return 1
    text = report.document(command, about, cells)
    if options.output:
        options.output.write_text(text)
    return 1 if any(report.failures(cell) for cell in cells) else 0


def shown_command(given: list[str]) -> str:
    """The command to repeat this run, without secrets and without paths of this machine."""
    shown: list[str] = []
    skipping = False
    for part in given:
        if skipping or part.split("=")[0] in {"--output", "--directory"}:
            skipping = not skipping and "=" not in part
            continue
        shown.append(part.partition(",")[0] + ",..." if "secret_key=" in part else part)
    return f"make bench ARGS={shlex.quote(' '.join(shown))}" if shown else "make bench"


def ram() -> str | None:
    """A directory in memory for the driver's files, where there is one."""
    shm = Path("/dev/shm")
    return str(shm) if shm.is_dir() else None


if __name__ == "__main__":
    sys.exit(main())
