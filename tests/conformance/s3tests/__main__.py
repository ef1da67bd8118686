"""`make conformance S3TESTS=DIR`: runs a checkout of ceph/s3-tests against a fresh node and writes what came out.

The checkout is not part of this repository. Its requirements go into a virtual environment of its own; the users it
wants are tenants and apps made with our commands; the summary goes to docs/conformance.md unless told otherwise.
Every area runs in a process of its own with bucket names of its own: what one leaves behind cannot fail another.
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

from tests.conformance.s3tests.areas import (
    ALONE,
    BEYOND,
    NOT_CHASED,
    OUTCOMES,
    Case,
    area_of,
    by_area,
    by_cause,
    merge,
)
from tests.conformance.s3tests.recorder import RECORD_FILE
from tests.support.node_process import ROOT, RunningNode, running_node

VENV = ROOT / ".venv-s3tests"
CASE_SECONDS = 180
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
    # The suite compares it with GetBucketLocation, which names us-east-1 by saying nothing.
    configuration["s3 main"]["api_name"] = "" if node.region == "us-east-1" else node.region
    configuration["s3 tenant"]["tenant"] = USERS["s3 tenant"]
    return configuration


class Suite:
    """The checkout, run by its own Python; its configuration, record and lists of cases lie in `folder`."""

    def __init__(self, python: Path, checkout: Path, folder: Path, configuration: configparser.ConfigParser) -> None:
        self._python, self._checkout, self._folder = python, checkout, folder
        settings, self._record = folder / "s3tests.conf", folder / "record.jsonl"
        with settings.open("w") as file:
            configuration.write(file)
        settings.chmod(0o600)
        self._record.touch()
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
            "S3TEST_CONF": str(settings),
            RECORD_FILE: str(self._record),
            "PYTHONPATH": str(ROOT),
        }

    def _pytest(self, *arguments: str, capture: bool = False) -> str:
        command = [str(self._python), "-m", "pytest", "-q", "--no-header", "-p", "no:cacheprovider", *arguments]
        finished = subprocess.run(
            command,
            cwd=self._checkout,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if capture else None,
            text=True,
            check=False,
        )
        return finished.stdout or ""

    def collect(self, select: str) -> dict[str, list[str]]:
        """Area -> node ids; the areas whose cases run alone come last."""
        chosen = ("-k", select) if select else ()
        listed = self._pytest("--collect-only", "s3tests/functional", *chosen, capture=True)
        found: dict[str, list[str]] = {}
        for node_id in (line for line in listed.splitlines() if "::" in line):
            path, _, name = node_id.partition("::")
            found.setdefault(area_of(Path(path).name, name), []).append(node_id)
        return {area: found[area] for area in sorted(found, key=ALONE.__contains__)}

    def run(self, area: str, node_ids: list[str]) -> None:
        names = self._folder / "cases.txt"
        for batch in [[one] for one in node_ids] if area in ALONE else [node_ids]:
            names.write_text("".join(f"{one}\n" for one in batch))
            self._pytest(
                "--tb=no", "-p", "tests.conformance.s3tests.recorder", f"--timeout={CASE_SECONDS}", f"@{names}"
            )

    def cases(self) -> list[Case]:
        return merge(json.loads(line) for line in self._record.read_text(encoding="utf-8").splitlines())


def table(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> list[str]:
    lines = ["| " + " | ".join(header) + " |", "|---" + "|--:" * (len(header) - 1) + "|"]
    return [*lines, *("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows), ""]


def counts(counter: Counter[str]) -> tuple[str, ...]:
    return (str(counter.total()), *(str(counter[outcome]) for outcome in OUTCOMES))


def document(cases: list[Case], commit: str, select: str) -> str:
    plain = [case for case in cases if case.is_plain]
    groups = {
        "**all a plain store is judged by**": plain,
        "of these, without what is not chased": [case for case in plain if case.is_chased],
        "and without encryption": [case for case in plain if case.is_chased and not case.is_about_encryption],
        "of all, without what fails for a feature that is not served": [
            case for case in plain if not case.is_about_what_is_not_served
        ],
        "**the whole suite**": cases,
    }
    rows = [(area, *counts(counter)) for area, counter in by_area(cases).items()]
    rows += [(name, *counts(Counter(case.outcome for case in group))) for name, group in groups.items()]
    left_out = ", ".join(f"`{marker}` ({why})" for marker, why in NOT_CHASED.items())
    lines = dedent(f"""\
        # Conformance: ceph/s3-tests

        Commit {commit} of [ceph/s3-tests](https://github.com/ceph/s3-tests) against a fresh node with default options:

            make conformance S3TESTS=/path/to/s3-tests{f' ARGS="--select {shlex.quote(select)}"' if select else ""}

        Every user of the suite is a tenant of its own with one app that has all rights in it. No case is left out, none
        is repeated, and a failing clean-up fails its case. A plain store is judged by all but
        {", ".join(sorted(BEYOND))}. Not chased are the cases marked {left_out}.

        A case passes too where it only wants a refusal and the whole feature is refused, or compares one refusal with
        another (most of S3 Select, POST object and ACL that pass): that says nothing of the feature.

        """).splitlines()
    lines += table(("area", "cases", *OUTCOMES), rows)
    lines += ["## Why the failed ones fail", ""]
    for cause, failed in by_cause(cases):
        if cause:
            areas = Counter(case.area for case in failed).most_common()
            lines.append(f"- **{cause}**: {len(failed)} ({', '.join(f'{area} {count}' for area, count in areas)})")
        else:
            lines += ["", f"The other {len(failed)}, one by one:", ""]
            lines += [f"- `{case.name}`: {case.remark}" for case in failed]
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
            suite = Suite(python, checkout, folder, make_users(node))
            for area, node_ids in suite.collect(options.select).items():
                print(f"{area}: {len(node_ids)} cases", flush=True)
                suite.run(area, node_ids)
            cases = suite.cases()
    if not cases:
        print("No case ran.", file=sys.stderr)
        return 1
    options.output.write_text(document(cases, described.stdout.strip() or "?", options.select), encoding="utf-8")
    print(f"{dict(Counter(case.outcome for case in cases))}: see {options.output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
