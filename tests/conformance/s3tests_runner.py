"""Runs a checkout of ceph/s3-tests against a fresh node and writes docs/conformance.md.

    make conformance S3TESTS=DIR [ARGS="--areas listing,object --report /tmp/listing.md"]

The node gets three tenants with an app each, all rights inside their own tenant. Every area runs in a pytest process of
its own with bucket names of its own, so that what one leaves behind cannot fail another.
"""

from __future__ import annotations

import argparse
import configparser
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.conformance.s3tests_areas import AREAS, Area, Case, area_of
from tests.conformance.s3tests_report import Outcome, read_junit, write_report
from tests.support.node_process import ROOT, RunningNode, running_node

_TENANTS = {"s3 main": "s3main", "s3 alt": "s3alt", "s3 tenant": "s3tenant"}
_SAME_AS = {"iam": "s3 main", "iam root": "s3 main", "iam alt root": "s3 alt"}
"""Sections that the suite's set-up needs although nothing of IAM is served."""


@dataclass(frozen=True, slots=True)
class Suite:
    """The checkout, the interpreter that has its requirements, and where its configuration was written."""

    checkout: Path
    python: Path
    configuration: Path
    scratch: Path
    case_seconds: int

    def pytest(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [
                str(self.python),
                *("-m", "pytest", "-p", "no:cacheprovider", "-p", "s3tests_plugin"),
                *("--timeout", str(self.case_seconds), "--tb=short", "-q", *arguments),
            ],
            cwd=self.checkout,
            env={
                **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
                "S3TEST_CONF": str(self.configuration),
                "PYTHONPATH": str(Path(__file__).parent),
                **environment,
            },
            capture_output=True,
            text=True,
            check=False,
        )

    def revision(self) -> str:
        asked = subprocess.run(
            ["git", "-C", str(self.checkout), "log", "-1", "--format=%h of %cs"],
            capture_output=True,
            text=True,
            check=False,
        )
        return asked.stdout.strip() or "unknown revision"

    def collect(self) -> list[Case]:
        listing = self.scratch / "collected.json"
        finished = self.pytest("--collect-only", "s3tests/functional", S3TESTS_COLLECTED=str(listing))
        if not listing.exists():
            raise SystemExit(f"{self.checkout} could not be collected:\n{finished.stdout[-2000:]}{finished.stderr[-2000:]}")
        return [Case(node_id, frozenset(markers)) for node_id, markers in json.loads(listing.read_text())]

    def run(self, cases: Sequence[Case]) -> list[Outcome]:
        """The outcomes of `cases`, run in one process. One without an outcome (its process died) counts as failed."""
        names = self.scratch / "cases.txt"
        names.write_text("".join(f"{case.node_id}\n" for case in cases))
        junit = self.scratch / "junit.xml"
        junit.unlink(missing_ok=True)
        finished = self.pytest(f"--junit-xml={junit}", f"@{names}")
        if not junit.exists():
            end = (finished.stdout + finished.stderr)[-500:]
            return [Outcome(case, "failed", f"pytest ended with {finished.returncode}: {end}") for case in cases]
        return read_junit(junit, cases)


def write_configuration(node: RunningNode, target: Path) -> None:
    """Makes the tenants and their apps on `node` and writes the suite's ini."""
    ini = configparser.RawConfigParser()
    ini["DEFAULT"] = {"host": "127.0.0.1", "port": str(node.port), "is_secure": "False", "ssl_verify": "False"}
    ini["fixtures"] = {
        "bucket prefix": "s3t-{random}-",
        "iam name prefix": "s3-tests-",
        "iam path prefix": "/s3-tests/",
    }
    for section, tenant in _TENANTS.items():
        app = ("--tenant-name", tenant, "--app-name", "s3tests")
        node.manage("tenants_create", "--name", tenant)
        issued = json.loads(node.manage("apps_create", *app, "--format", "json"))
        node.manage("policies_grant", *app, "--action", "*", "--resource", "*")
        ini[section] = {
            "display_name": tenant,
            "user_id": tenant,
            "email": f"{tenant}@example.com",
            "api_name": node.region,
            "access_key": issued["client_id"],
            "secret_key": issued["client_secret"],
        }
    ini["s3 tenant"]["tenant"] = "s3tenant"
    for section, original in _SAME_AS.items():
        ini[section] = dict(ini[original])
    with target.open("w") as out:
        ini.write(out)


def run_areas(suite: Suite, cases: Sequence[Case], wanted: Sequence[str]) -> Iterator[Outcome]:
    by_area: dict[str, list[Case]] = {}
    for case in cases:
        by_area.setdefault(area_of(case).name, []).append(case)
    # What may leave buckets behind that nobody can empty comes last.
    names = sorted(by_area, key=lambda name: AREAS[name].alone)
    for name in names:
        if not wanted or name in wanted:
            started = time.monotonic()
            outcomes = list(_run_area(suite, AREAS[name], by_area[name]))
            passed = sum(outcome.result == "passed" for outcome in outcomes)
            print(f"{name}: {passed} of {len(outcomes)} in {time.monotonic() - started:.0f} s", flush=True)
            yield from outcomes


def _run_area(suite: Suite, area: Area, cases: Sequence[Case]) -> Iterator[Outcome]:
    if area.alone:
        for case in cases:
            yield from suite.run([case])
    else:
        yield from suite.run(cases)


@contextmanager
def _scratch(directory: Path | None) -> Iterator[Path]:
    if directory is not None:
        directory.mkdir(parents=True, exist_ok=True)
        yield directory.resolve()
        return
    with tempfile.TemporaryDirectory(prefix="anvil-conformance-") as made:
        yield Path(made)


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make conformance", description="Run ceph/s3-tests against a fresh node.")
    parser.add_argument("--checkout", type=Path, required=True, help="a checkout of https://github.com/ceph/s3-tests")
    parser.add_argument(
        "--python", type=Path, default=ROOT / ".venv-s3tests/bin/python", help="an interpreter with the suite's needs"
    )
    parser.add_argument("--areas", default="", help=f"only these, by comma: {', '.join(AREAS)}")
    parser.add_argument("--report", type=Path, help="where to write (default: docs/conformance.md if all areas run)")
    parser.add_argument("--stores", type=int, default=1, help="stores of the node (default 1)")
    parser.add_argument("--workers", type=int, default=2, help="worker processes of the node (default 2)")
    parser.add_argument("--case-seconds", type=int, default=120, help="a case that takes longer fails (default 120)")
    parser.add_argument("--directory", type=Path, help="where the node's data lives (default: a temporary directory)")
    return parser


def main() -> int:
    parser = arguments()
    options = parser.parse_args()
    wanted = [name for name in options.areas.split(",") if name]
    if set(wanted) - set(AREAS):
        parser.error(f"--areas {options.areas}: choose from {', '.join(AREAS)}")
    checkout = options.checkout.resolve()
    if not (checkout / "s3tests" / "functional").is_dir():
        parser.error(f"{checkout} is no checkout of ceph/s3-tests: it has no s3tests/functional")
    report = options.report or (None if wanted else ROOT / "docs" / "conformance.md")
    with (
        _scratch(options.directory) as scratch,
        running_node(scratch / "node", stores=options.stores, workers=options.workers) as node,
    ):
        configuration = scratch / "s3tests.conf"
        write_configuration(node, configuration)
        suite = Suite(checkout, options.python, configuration, scratch, options.case_seconds)
        outcomes = list(run_areas(suite, suite.collect(), wanted))
        for outcome in outcomes if wanted else ():
            if outcome.result != "passed":
                print(f"{outcome.result}: {outcome.case.name}: {outcome.reason}")
        if report is not None:
            write_report(report, outcomes, suite.revision())
            print(f"wrote {report}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
