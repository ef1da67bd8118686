"""The administrator's commands as typed: flags, formats, exit codes, and that secrets are shown once."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import call_command, get_commands, load_command_class
from django.core.management.base import CommandError

from control import deployment
from control.deployment import Deployment
from control.management.output import ControlCommand
from control.models import AdminUser, AuditEntry, Bucket, Credential, Region
from control.services.bucket_phases import RegionalSide
from control.services.credentials import IssuedCredential, open_secret
from dataplane.crypto.keys import KeyRing
from tests.support.memory_regional_buckets import MemoryRegionalBuckets
from tests.support.postgres import Databases


@pytest.fixture(autouse=True)
def installed(control_databases: Databases, key_ring: KeyRing, regional: RegionalSide) -> Iterator[None]:
    deployment.install(Deployment(key_ring, regional))
    yield
    deployment.install(None)


def run(command: str, *arguments: str) -> str:
    output = io.StringIO()
    call_command(command, *arguments, stdout=output)
    return output.getvalue()


def run_json(command: str, *arguments: str) -> Any:
    return json.loads(run(command, *arguments, "--format", "json"))


def run_from_shell(capsys: pytest.CaptureFixture[str], command: str, *arguments: str) -> tuple[int, str, str]:
    """As `manage.py COMMAND ...` does it: exit code, stdout, stderr."""
    code = 0
    try:
        load_command_class("control", command).run_from_argv(["manage.py", command, *arguments])
    except SystemExit as exit_:
        code = int(exit_.code or 0)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_the_documented_first_steps_work_as_typed(key_ring: KeyRing) -> None:
    run("regions_create", "--name", "us-east-1")
    run("tenants_create", "--name", "acme")
    made = run_json("apps_create", "--tenant-name", "acme", "--app-name", "uploader")
    assert set(made) == {"client_id", "client_secret"}
    run("policies_grant", "--tenant-name", "acme", "--app-name", "uploader", "--action", "*", "--resource", "*")
    run("policies_grant", "--app-name", "uploader", "--action", "object:read", "--resource", "photos/*")
    row = Credential.objects.get(access_key=made["client_id"])
    assert open_secret(row, key_ring=key_ring) == made["client_secret"]

    again = run_json("apps_reset_secret", "--app-name", "uploader")
    assert again["client_id"] == made["client_id"]
    assert again["client_secret"] != made["client_secret"]

    run("buckets_create", "--bucket", "photos", "--tenant-name", "acme")
    run("buckets_set_public_access", "--bucket", "photos", "--allow", "true")
    assert Bucket.objects.get().public_read
    assert run_json("buckets_show", "--bucket", "photos")["public_read"] is True
    run("buckets_set_public_access", "--bucket", "photos", "--allow", "false")
    assert not Bucket.objects.get().public_read
    assert [grant["action"] for grant in run_json("policies_list", "--app-name", "uploader")] == ["*", "object:read"]
    run("policies_revoke", "--app-name", "uploader", "--action", "*", "--resource", "*")
    assert [grant["action"] for grant in run_json("policies_list")] == ["object:read"]

    listings = ("apps_list", "credentials_list", "audit_list", "buckets_list", "tenants_list", "regions_list")
    shown = "".join(run(command, "--format", style) for command in listings for style in ("table", "json", "jsonl"))
    assert made["client_id"] in shown
    assert made["client_secret"] not in shown
    assert again["client_secret"] not in shown

    for command, arguments in (
        ("buckets_delete", ["--bucket", "photos"]),
        ("apps_delete", ["--app-name", "uploader"]),
        ("tenants_delete", ["--name", "acme"]),
        ("regions_delete", ["--name", "us-east-1"]),
    ):
        run(command, *arguments)
    assert [run_json(command) for command in ("buckets_list", "apps_list", "tenants_list", "regions_list")] == [[]] * 4


def test_regions_create_may_be_repeated() -> None:
    first = run_json("regions_create", "--name", "eu-west-1")
    assert run_json("regions_create", "--name", "eu-west-1") == first
    assert Region.objects.count() == 1


def test_the_three_formats(capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("eu-west-1", "us-east-1"):
        run("regions_create", "--name", name)
    rows = json.loads(run("regions_list", "--format", "json"))
    assert [row["name"] for row in rows] == ["eu-west-1", "us-east-1"]
    assert rows[0]["created_at"].endswith("Z")
    assert [json.loads(line) for line in run("regions_list", "--format", "jsonl").splitlines()] == rows
    header, *lines = run("regions_list").splitlines()
    assert header.split() == ["NAME", "NODES", "STORES", "BUCKETS", "CREATED", "AT"]
    assert [line.split()[0] for line in lines] == ["eu-west-1", "us-east-1"]
    code, out, err = run_from_shell(capsys, "regions_show", "--name", "eu-west-1")
    assert (code, err) == (0, "")
    assert out.splitlines()[1].split() == ["name", "eu-west-1"]


def test_an_empty_listing_has_a_header_or_an_empty_array() -> None:
    assert run("regions_list").split()[0] == "NAME"
    assert run("regions_list", "--format", "json") == "[]\n"
    assert run("regions_list", "--format", "jsonl") == ""


@pytest.mark.parametrize(
    ("command", "arguments", "code", "message"),
    [
        ("tenants_show", ["--name", "nobody"], 1, "There is no tenant 'nobody'."),
        ("buckets_show", ["--bucket", "nothing"], 1, "The bucket 'nothing' does not exist."),
        ("tenants_create", ["--name", "a/b"], 2, "tenant name = 'a/b'"),
        ("tenants_create", [], 2, "--name"),
        ("regions_list", ["--format", "xml"], 2, "invalid choice"),
        ("apps_list", ["--limit", "0"], 2, "invalid limit value"),
        ("buckets_set_public_access", ["--bucket", "b", "--allow", "maybe"], 2, "invalid true_or_false value"),
        ("regions_create", ["--name", "EU"], 2, "region = 'EU'"),
    ],
)
def test_errors_go_to_stderr_with_their_exit_code(
    capsys: pytest.CaptureFixture[str], command: str, arguments: list[str], code: int, message: str
) -> None:
    exit_code, out, err = run_from_shell(capsys, command, *arguments)
    assert (exit_code, out) == (code, "")
    assert message in err
    assert "Traceback" not in err


def test_a_database_that_is_away_is_one_line_and_exit_1(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.db import connections

    connections.close_all()
    monkeypatch.setitem(connections.settings["default"], "HOST", "/nonexistent/socket/directory")
    code, out, err = run_from_shell(capsys, "regions_list")
    assert (code, out) == (1, "")
    assert "The database does not answer" in err
    assert "Traceback" not in err


def test_the_audit_trail_has_the_system_user_the_reason_and_the_request(capsys: pytest.CaptureFixture[str]) -> None:
    run("tenants_create", "--name", "acme", "--reason", "new customer", "--request-id", "T-17")
    run("tenants_disable", "--name", "acme")
    newest, oldest = run_json("audit_list")
    assert oldest["actor"].startswith("command:")
    assert (oldest["action"], oldest["reason"], oldest["request_id"]) == ("tenant.create", "new customer", "T-17")
    assert (newest["before"]["enabled"], newest["after"]["enabled"]) == (True, False)
    assert run_json("audit_list", "--action", "tenant.create") == [oldest]
    assert run_json("audit_list", "--before", str(newest["id"])) == [oldest]
    assert run_json("audit_list", "--limit", "1") == [newest]
    assert run_json("audit_list", "--tenant-name", "globex") == run_json("audit_list", "--actor", "user:bob") == []


def test_a_failed_command_leaves_no_trace(issued: IssuedCredential, regional_buckets: MemoryRegionalBuckets) -> None:
    run("regions_create", "--name", "us-east-1")
    run("buckets_create", "--bucket", "photos", "--tenant-name", "acme")
    count = AuditEntry.objects.count()
    for command, arguments in (
        ("tenants_delete", ["--name", "acme"]),
        ("tenants_create", ["--name", "acme"]),
        ("buckets_create", ["--bucket", "photos", "--tenant-name", "acme"]),
        ("policies_revoke", ["--app-name", "uploader", "--action", "*", "--resource", "*"]),
        ("regions_delete", ["--name", "us-east-1"]),
    ):
        with pytest.raises(CommandError) as caught:
            run(command, *arguments)
        assert caught.value.returncode == 1
    assert AuditEntry.objects.count() == count


def test_credentials_rotate_without_an_interruption(issued: IssuedCredential, key_ring: KeyRing) -> None:
    second = run_json("credentials_create", "--app-name", "uploader")
    assert [row["client_id"] for row in run_json("credentials_list", "--app-name", "uploader")] == [
        issued.access_key,
        second["client_id"],
    ]
    with pytest.raises(CommandError, match="several credentials"):
        run("apps_reset_secret", "--app-name", "uploader")
    run("credentials_disable", "--client-id", issued.access_key)
    assert run_json("credentials_show", "--client-id", issued.access_key)["enabled"] is False
    run("credentials_enable", "--client-id", issued.access_key)
    run("credentials_delete", "--client-id", issued.access_key)
    assert run_json("apps_show", "--app-name", "uploader")["client_ids"] == [second["client_id"]]
    run("apps_disable", "--app-name", "uploader")
    assert run_json("apps_show", "--app-name", "uploader")["enabled"] is False
    run("apps_enable", "--app-name", "uploader")
    run("tenants_disable", "--name", "acme")
    assert run_json("tenants_show", "--name", "acme")["enabled"] is False
    run("tenants_enable", "--name", "acme")
    assert run_json("credentials_list", "--tenant-name", "acme")[0]["enabled"] is True


def test_users_get_a_given_or_a_generated_password(monkeypatch: pytest.MonkeyPatch) -> None:
    generated = run_json("users_create", "--username", "root", "--role", "SuperAdmin")["password"]
    assert AdminUser.objects.get(username="root").check_password(generated)
    monkeypatch.setattr("sys.stdin", io.StringIO("from standard input 7\n"))
    made = run_json("users_create", "--username", "eve", "--role", "ReadOnlyViewer", "--password-stdin")
    assert "password" not in made
    assert AdminUser.objects.get(username="eve").check_password("from standard input 7")
    run("users_create", "--username", "bob", "--role", "SuperAdmin", "--password", "given-on-the-line-7")
    assert AdminUser.objects.get(username="bob").check_password("given-on-the-line-7")
    assert [row["username"] for row in run_json("users_list")] == ["bob", "eve", "root"]
    assert run_json("users_show", "--username", "eve")["role"] == "ReadOnlyViewer"
    run("users_delete", "--username", "bob")
    with pytest.raises(CommandError, match="only active super admin") as caught:
        run("users_delete", "--username", "root")
    assert caught.value.returncode == 2


def test_control_characters_in_a_table_are_written_out() -> None:
    run("tenants_create", "--name", "acme", "--reason", "two\nlines \x1b[31mred")
    assert "two\\nlines \\x1b[31mred" in run("audit_list")


def test_lists_are_pages(issued: IssuedCredential) -> None:
    run("regions_create", "--name", "us-east-1")
    for name in ("aaa", "bbb", "ccc"):
        run("buckets_create", "--bucket", name, "--tenant-name", "acme")
    first = run_json("buckets_list", "--limit", "2", "--tenant-name", "acme")
    assert [row["name"] for row in first] == ["aaa", "bbb"]
    rest = run_json("buckets_list", "--after", "bbb", "--region", "us-east-1")
    assert [row["name"] for row in rest] == ["ccc"]


def test_every_command_of_control_is_a_noun_and_a_verb_with_the_shared_base() -> None:
    ours = sorted(name for name, app in get_commands().items() if app == "control")
    assert len(ours) >= 30
    for name in ours:
        command = load_command_class("control", name)
        assert isinstance(command, ControlCommand), name
        verb = name.partition("_")[2]
        assert command.changes_things == (verb not in {"list", "show"}), name
