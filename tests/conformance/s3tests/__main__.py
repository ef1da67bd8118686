"""`make conformance S3TESTS=DIR`: runs a checkout of ceph/s3-tests against a fresh node and writes what came out.

The checkout is not part of this repository. Its requirements go into a virtual environment of its own; the users it
wants are tenants and apps made with our commands; the summary goes to docs/conformance.md unless told otherwise.
"""

from __future__ import annotations

import argparse
import configparser
import json
import os
import shlex
import subprocess
import sys
import tempfile
import venv
from collections import Counter
from pathlib import Path
from textwrap import dedent

from tests.conformance.s3tests.areas import NOT_CHASED, OUTCOMES, Case, by_area, by_cause, merge
from tests.conformance.s3tests.recorder import RECORD_FILE
from tests.support.node_process import ROOT, RunningNode, running_node

VENV = ROOT / ".venv-s3tests"
CASE_SECONDS = 180
NAMES_SHOWN = 12
USERS = {
    "s3 main": "s3main",
    "s3 alt": "s3alt",
    "s3 tenant": "s3tenant",
    "iam": "s3iam",
    "iam root": "s3root",
    "iam alt root": "s3altroot",
}
"""Section of the suite's configuration -> tenant: owners are tenants, so each user is one."""


def make_environment(checkout: Path) -> Path:
    """The suite's own Python."""
    python = VENV / "bin" / "python"
    if not python.exists():
        venv.create(VENV, with_pip=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "-r", str(checkout / "requirements.txt"), "pytest-timeout"], check=True)
    return python


def make_users(node: RunningNode) -> configparser.ConfigParser:
    """A tenant with an app that has all rights in it, for every user the suite knows."""
    configuration = configparser.ConfigParser(interpolation=None)
    configuration["DEFAULT"] = {"host": "127.0.0.1", "port": str(node.port), "is_secure": "False"}
    configuration["fixtures"] = {
        "bucket prefix": "s3t-{random}-",
        "iam name prefix": "s3-tests-",
        "iam path prefix": "/s3-tests/",
    }
    for section, tenant in USERS.items():
        app = ("--tenant-name", tenant, "--app-name", "suite")
        node.manage("tenants_create", "--name", tenant)
        issued = json.loads(node.manage("apps_create", *app, "--format", "json"))
        node.manage("policies_grant", *app, "--action", "*", "--resource", "*")
        configuration[section] = {
            "display_name": tenant,
            "user_id": tenant,
            "email": f"{tenant}@example.com",
            "access_key": issued["client_id"],
            "secret_key": issued["client_secret"],
        }
    configuration["s3 main"]["api_name"] = node.region
    configuration["s3 tenant"]["tenant"] = USERS["s3 tenant"]
    return configuration


def run_suite(
    python: Path, checkout: Path, folder: Path, configuration: configparser.ConfigParser, select: str
) -> list[Case]:
    settings, record = folder / "s3tests.conf", folder / "record.jsonl"
    with settings.open("w") as file:
        configuration.write(file)
    settings.chmod(0o600)
    record.touch()
    command = [
        *(str(python), "-m", "pytest", "-q", "--tb=short", "--no-header", "-p", "no:cacheprovider"),
        *("-p", "tests.conformance.s3tests.recorder", f"--timeout={CASE_SECONDS}", "s3tests/functional"),
        *(("-k", select) if select else ()),
    ]
    environment = {**os.environ, "S3TEST_CONF": str(settings), RECORD_FILE: str(record), "PYTHONPATH": str(ROOT)}
    subprocess.run(command, cwd=checkout, env=environment, stdin=subprocess.DEVNULL, check=False)
    return merge(json.loads(line) for line in record.read_text(encoding="utf-8").splitlines())


def table(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> list[str]:
    lines = ["| " + " | ".join(header) + " |", "|---" + "|--:" * (len(header) - 1) + "|"]
    return [*lines, *("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows), ""]


def counts(counter: Counter[str]) -> tuple[str, ...]:
    return (str(counter.total()), *(str(counter[outcome]) for outcome in OUTCOMES))


def document(cases: list[Case], commit: str, select: str) -> str:
    chased = [case for case in cases if case.is_chased]
    left_out = ", ".join(f"`{marker}` ({why})" for marker, why in NOT_CHASED.items())
    areas = by_area(cases)
    rows = [(area, *counts(counter)) for area, counter in areas.items()]
    rows += [
        ("**all**", *counts(Counter(case.outcome for case in cases))),
        ("all that is chased", *counts(Counter(case.outcome for case in chased))),
    ]
    lines = dedent(f"""\
        # Conformance: ceph/s3-tests

        Commit {commit} of [ceph/s3-tests](https://github.com/ceph/s3-tests) against a fresh node with default options
        and one store:

            make conformance S3TESTS=/path/to/s3-tests{f' ARGS="--select {shlex.quote(select)}"' if select else ""}

        Every user of the suite is a tenant of its own. "All that is chased" leaves out the cases marked {left_out}.

        """).splitlines()
    lines += table(("area", "cases", *OUTCOMES), rows)
    lines += ["## Why the failed ones fail", ""]
    for cause, failed in by_cause(cases):
        names = ", ".join(f"`{case.name}`" for case in failed[:NAMES_SHOWN])
        more = f" and {len(failed) - NAMES_SHOWN} more" if len(failed) > NAMES_SHOWN else ""
        areas_hit = ", ".join(f"{area} {count}" for area, count in Counter(case.area for case in failed).most_common())
        lines.append(f"- **{cause}**: {len(failed)} ({areas_hit}): {names}{more}")
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(prog="make conformance", description=__doc__)
    parser.add_argument("--checkout", type=Path, required=True, help="a checkout of ceph/s3-tests")
    parser.add_argument("--select", default="", help="only cases that match (pytest's -k)")
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "conformance.md")
    parser.add_argument("--stores", type=int, default=1)
    options = parser.parse_args()
    checkout = options.checkout.resolve()
    if not (checkout / "s3tests" / "functional" / "test_s3.py").exists():
        parser.error(f"{checkout} is not a checkout of ceph/s3-tests")
    python = make_environment(checkout)
    described = subprocess.run(
        ["git", "log", "-1", "--format=%h of %cs"], cwd=checkout, capture_output=True, text=True, check=False
    )
    with tempfile.TemporaryDirectory(prefix="anvil-s3tests-") as made:
        folder = Path(made)
        with running_node(folder / "node", stores=options.stores) as node:
            cases = run_suite(python, checkout, folder, make_users(node), options.select)
    if not cases:
        print("No case ran.", file=sys.stderr)
        return 1
    options.output.write_text(document(cases, described.stdout.strip() or "?", options.select), encoding="utf-8")
    print(f"{dict(Counter(case.outcome for case in cases))}: see {options.output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
