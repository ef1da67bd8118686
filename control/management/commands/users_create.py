"""Makes a person who may sign in to the console and the REST API."""

from __future__ import annotations

import secrets
import sys
from argparse import ArgumentParser
from typing import Any

from control.management.output import ControlCommand
from control.management.rows import user_row
from control.models import Role
from control.services import admin_users
from dataplane.errors import InvalidArgument

PASSWORD_LIMIT_CHARACTERS = 1_024


class Command(ControlCommand):
    help = "Create a console user. Without a password one is generated and printed once."
    changes_things = True

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--username", required=True)
        parser.add_argument("--email", default="")
        parser.add_argument("--role", choices=Role.values, required=True)
        password = parser.add_mutually_exclusive_group()
        password.add_argument("--password", help="other users of this machine can see it; --password-stdin is safer")
        password.add_argument("--password-stdin", action="store_true", help="read the password from standard input")

    def run(self, **options: Any) -> None:
        generated = None
        if options["password_stdin"]:
            password = _password_from_stdin()
        elif options["password"] is not None:
            password = options["password"]
        else:
            password = generated = secrets.token_urlsafe(18)
        user = admin_users.create(
            options["username"],
            email=options["email"],
            password=password,
            role=Role(options["role"]),
            origin=self.origin(options),
        )
        self.show(user_row(user) if generated is None else {**user_row(user), "password": generated})


def _password_from_stdin() -> str:
    password = sys.stdin.readline(PASSWORD_LIMIT_CHARACTERS + 1).rstrip("\r\n")
    if len(password) > PASSWORD_LIMIT_CHARACTERS:
        raise InvalidArgument("password", "(hidden)", f"at most {PASSWORD_LIMIT_CHARACTERS} characters are allowed.")
    return password
