"""Real S3 clients, run as their users run them: from a shell that sourced `credentials.env`.

The clients live in a virtual environment of their own (.venv-interop, made by `make test`), because their pins of
botocore disagree with the test environment's. Knows programs and environment variables, nothing of Anvil's code.
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv-interop"
PROGRAMS = ROOT / "tests" / "interop" / "programs"
COMMAND_SECONDS = 280
OUTPUT_KEPT = 4000

RCLONE_REMOTE = "anvil"
RCLONE_ENVIRONMENT = {
    "RCLONE_CONFIG_ANVIL_TYPE": "s3",
    "RCLONE_CONFIG_ANVIL_PROVIDER": "Other",
    "RCLONE_CONFIG_ANVIL_ENV_AUTH": "true",
    "RCLONE_CONFIG": "/dev/null",
}
"""What an rclone user would write into rclone.conf, except the secrets, which come from credentials.env."""


class ClientFailed(AssertionError):
    """A client ended with an error; the text is what it said."""


@dataclass(frozen=True, slots=True)
class Clients:
    """Runs client programs against the endpoint that `credentials_file` names."""

    credentials_file: Path
    home: Path
    """An empty home directory: nothing of this machine's configuration reaches a client."""

    def shell(self, script: str, *, cwd: Path | None = None) -> str:
        """Runs a bash script with the credentials sourced; returns its standard output."""
        environment = {
            "PATH": f"{VENV / 'bin'}:{os.environ['PATH']}",
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
            "AWS_EC2_METADATA_DISABLED": "true",
            "PYTHONDONTWRITEBYTECODE": "1",
            **RCLONE_ENVIRONMENT,
        }
        prelude = 'set -a; . "$0"; set +a; export RCLONE_CONFIG_ANVIL_ENDPOINT=$AWS_ENDPOINT_URL\nset -euo pipefail\n'
        finished = subprocess.run(
            ["bash", "-c", prelude + script, str(self.credentials_file)],
            env=environment,
            cwd=cwd or self.home,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        if finished.returncode:
            raise ClientFailed(
                f"exit {finished.returncode} from:\n{script}\n"
                f"--- stdout\n{finished.stdout[-OUTPUT_KEPT:]}\n--- stderr\n{finished.stderr[-OUTPUT_KEPT:]}"
            )
        return finished.stdout

    def program(self, name: str, *arguments: str | Path) -> str:
        """Runs tests/interop/programs/NAME.py with the clients' own Python."""
        quoted = " ".join(f"'{argument}'" for argument in arguments)
        return self.shell(f"python '{PROGRAMS / name}.py' {quoted}")
