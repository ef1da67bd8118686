"""The table of options and how its values are found."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

import pytest

from anvil_site.option_kinds import Address
from anvil_site.options import (
    OPTIONS,
    BadOptions,
    Options,
    add_flags,
    environment_with_flags,
    load_options,
    options_from,
    text_of,
)
from dataplane.contracts import Profile

KEY = "0f" * 32
DATABASES = {
    "GLOBAL_DATABASE_URL": "postgresql://anvil:pw@db/global",
    "REGIONAL_DATABASE_URL": "postgresql://anvil:pw@db/regional",
}
SECRETS = {"JWT_SECRET": "j" * 20, "ANVIL_SECRET_ENCRYPTION_KEY": KEY}


def problems_of(environ: dict[str, str], *argv: str) -> tuple[str, ...]:
    with pytest.raises(BadOptions) as caught:
        load_options(environ, argv)
    return caught.value.problems


def test_an_empty_environment_gives_a_node_that_runs() -> None:
    options = load_options({})
    assert options.embedded_database
    assert options.region == "us-east-1"
    assert options.storage_paths == (Path.cwd() / "anvil-data",)
    assert options.api_listen == Address("0.0.0.0", 50051)
    assert options.admin_listen == Address("127.0.0.1", 50052)
    assert options.workers >= 1
    assert options.encrypt_at_rest
    assert options.inline_object_bytes == 65536


def test_the_table_is_whole_and_its_names_are_unique() -> None:
    variables = [variable for option in OPTIONS for variable in option.variables]
    assert len(variables) == len(set(variables))
    assert [option.name for option in OPTIONS] == [field.name for field in dataclasses.fields(Options)]
    for option in OPTIONS:
        assert option.reason.endswith("."), option.variable
        assert option.variable == option.variable.upper()
        if option.default and option.default != "auto":
            option.kind.parse(option.default)


def test_every_name_of_the_published_documents_is_accepted() -> None:
    published = (
        "GLOBAL_DATABASE_URL REGIONAL_DATABASE_URL REGION STORAGE_PATH JWT_SECRET ANVIL_SECRET_ENCRYPTION_KEY "
        "ANVIL_SECRET_ENCRYPTION_KEY_ID ANVIL_SECRET_ENCRYPTION_PREVIOUS_KEYS CLUSTER_SECRET ANVIL_CLUSTER_SECRET "
        "API_LISTEN_ADDR GRPC_BIND_ADDR HTTP_BIND_ADDR PUBLIC_API_ADDR PUBLIC_GRPC_ADDR CLUSTER_LISTEN_ADDR "
        "QUIC_BIND_ADDR PUBLIC_CLUSTER_ADDRS PUBLIC_ADDRS BOOTSTRAP_ADDRS INIT_CLUSTER ENABLE_MDNS "
        "METADATA_CACHE_TTL_SECS ADMIN_LISTEN_ADDR GLOBAL_DATABASE_REPLICA_URL REGIONAL_DATABASE_REPLICA_URL "
        "CACHE_BACKEND CACHE_TTL REDIS_URL REDIS_POOL_SIZE DATABASE_POOL_SIZE WORKERS"
    )
    known = {variable for option in OPTIONS for variable in option.variables}
    assert set(published.split()) <= known


@pytest.mark.parametrize("spelling", ["API_LISTEN_ADDR", "GRPC_BIND_ADDR", "HTTP_BIND_ADDR"])
def test_an_alias_is_the_option(spelling: str) -> None:
    assert load_options({spelling: "127.0.0.1:1234"}).api_listen == Address("127.0.0.1", 1234)
    flag = "--" + spelling.lower().replace("_", "-")
    assert load_options({}, [flag, "127.0.0.1:1234"]).api_listen == Address("127.0.0.1", 1234)


def test_two_spellings_that_disagree_are_refused_and_ones_that_agree_are_not() -> None:
    (problem,) = problems_of({"API_LISTEN_ADDR": ":1", "GRPC_BIND_ADDR": ":2"})
    assert "API_LISTEN_ADDR and GRPC_BIND_ADDR" in problem
    assert load_options({"API_LISTEN_ADDR": ":1", "GRPC_BIND_ADDR": ":1"}).api_listen.port == 1


def test_flags_go_before_the_environment_which_goes_before_the_env_file(tmp_path: Path) -> None:
    env_file = tmp_path / "anvil.env"
    env_file.write_text("REGION=from-file\nLOG_LEVEL=debug\nAPI_LISTEN_ADDR=:7\n# a comment\n")
    environ = {"ENV_FILE": str(env_file), "REGION": "from-environment", "GRPC_BIND_ADDR": ":8"}
    assert load_options(environ).region == "from-environment"
    assert load_options(environ).api_listen.port == 8
    assert load_options(environ).log_level == "debug"
    assert load_options(environ, ["--region", "from-flag"]).region == "from-flag"
    (problem,) = problems_of({"ENV_FILE": str(tmp_path / "absent")})
    assert problem.startswith("ENV_FILE: cannot read")


def test_a_secret_may_lie_in_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "jwt"
    secret.write_text("$from-a-file-with-dollar\n")
    assert load_options({"JWT_SECRET_FILE": str(secret)}).jwt_secret == "$from-a-file-with-dollar"
    assert load_options({}, ["--jwt-secret-file", str(secret)]).jwt_secret == "$from-a-file-with-dollar"
    (problem,) = problems_of({"JWT_SECRET_FILE": str(tmp_path / "absent")})
    assert problem == f"JWT_SECRET_FILE: cannot read {tmp_path / 'absent'}: No such file or directory"


def test_every_bad_value_is_named_at_once_and_no_secret_is_repeated() -> None:
    environ = {
        "WORKERS": "many",
        "API_LISTEN_ADDR": "nowhere",
        "ANVIL_SECRET_ENCRYPTION_KEY": "abc123hunter",
        "GLOBAL_DATABASE_URL": "mysql://u:hunter@h/d",
        "CLUSTER_LISTEN_ADDR": "1.2.3.4:5",
        "MIN_PROFILE": "4-2",
        "ENCRYPT_AT_REST": "perhaps",
        "REGION": "Mars!",
        "INLINE_OBJECT_BYTES": "lots",
        "DRAIN_SECONDS": "soon",
        "CACHE_BACKEND": "disk",
        "REDIS_URL": "http://x",
        "PUBLIC_API_ADDR": "ftp://x",
        "S3_DOMAINS": "-bad-",
    }
    problems = problems_of(environ)
    assert sorted(problem.split(":")[0] for problem in problems) == sorted(environ)
    assert "hunter" not in str(problems)


def test_production_generates_nothing() -> None:
    problems = problems_of(DATABASES)
    assert [problem.split()[0] for problem in problems] == ["JWT_SECRET", "ANVIL_SECRET_ENCRYPTION_KEY"]
    options = load_options({**DATABASES, **SECRETS})
    assert not options.embedded_database
    assert options.secret_keys == ("primary", {"primary": bytes.fromhex(KEY)})


def test_one_database_url_without_the_other_is_refused() -> None:
    problems = problems_of({"GLOBAL_DATABASE_URL": DATABASES["GLOBAL_DATABASE_URL"], **SECRETS})
    assert "REGIONAL_DATABASE_URL is missing" in problems[0]


def test_earlier_keys_still_open_and_may_not_shadow_the_current_one() -> None:
    older = "aa" * 32
    environ = {**DATABASES, **SECRETS, "ANVIL_SECRET_ENCRYPTION_KEY_ID": "k2"}
    options = load_options({**environ, "ANVIL_SECRET_ENCRYPTION_PREVIOUS_KEYS": f"k1:{older}"})
    assert options.secret_keys == ("k2", {"k1": bytes.fromhex(older), "k2": bytes.fromhex(KEY)})
    (problem,) = problems_of({**environ, "ANVIL_SECRET_ENCRYPTION_PREVIOUS_KEYS": f"k2:{older}"})
    assert "k2" in problem
    assert older not in problem


@pytest.mark.parametrize(
    ("environ", "name"),
    [
        ({"BOOTSTRAP_ADDRS": "/dns4/anvil1/udp/7443/quic-v1"}, "CLUSTER_SECRET"),
        ({"CACHE_BACKEND": "redis"}, "REDIS_URL"),
        ({"JWT_SECRET": "short"}, "JWT_SECRET"),
        ({"STORAGE_PATH": "/a,/a/b"}, "STORAGE_PATH"),
        ({"STORAGE_PATH": "/a,/a"}, "STORAGE_PATH"),
        ({"STORAGE_PATH": ","}, "STORAGE_PATH"),
        ({"ADMIN_LISTEN_ADDR": "127.0.0.1:50051"}, "ADMIN_LISTEN_ADDR"),
    ],
)
def test_what_contradicts_itself_is_refused(environ: dict[str, str], name: str) -> None:
    (problem,) = problems_of(environ)
    assert problem.startswith(name)


def test_the_console_gets_out_of_the_way_of_an_api_on_its_port() -> None:
    assert load_options({"GRPC_BIND_ADDR": "0.0.0.0:50052"}).admin_listen == Address("127.0.0.1", 50053)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (":80", Address("0.0.0.0", 80)),
        ("[::1]:80", Address("::1", 80)),
        ("localhost:0", Address("localhost", 0)),
        ("anvil_1.example.com:65535", Address("anvil_1.example.com", 65535)),
    ],
)
def test_addresses(text: str, address: Address) -> None:
    assert load_options({"API_LISTEN_ADDR": text}).api_listen == address


@pytest.mark.parametrize("text", ["80", "::1:80", "a b:80", "h:65536", "h:-1", "h:", "[zz]:1", "h:8\u0660"])
def test_wrong_addresses(text: str) -> None:
    (problem,) = problems_of({"API_LISTEN_ADDR": text})
    assert problem.startswith("API_LISTEN_ADDR")


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("http://anvil1:50051", "http://anvil1:50051"),
        ("anvil1:50051/", "http://anvil1:50051"),
        ("https://s3.example.com", "https://s3.example.com"),
        ("http://[::1]:9", "http://[::1]:9"),
    ],
)
def test_public_addresses(text: str, url: str) -> None:
    assert load_options({"PUBLIC_GRPC_ADDR": text}).public_api == url


@pytest.mark.parametrize(("text", "size"), [("0", 0), ("64KiB", 65536), ("64 kib", 65536), ("10KB", 10_000), ("7B", 7)])
def test_sizes(text: str, size: int) -> None:
    assert load_options({"INLINE_OBJECT_BYTES": text}).inline_object_bytes == size


def test_profiles_and_lists() -> None:
    options = load_options({"MIN_PROFILE": "4+2", "S3_DOMAINS": "s3.Example.com, s3.local ,", "STORAGE_PATH": "/a,/b"})
    assert options.min_profile == Profile(4, 2)
    assert options.s3_domains == ("s3.example.com", "s3.local")
    assert options.storage_paths == (Path("/a"), Path("/b"))


def test_every_option_has_a_flag_and_a_boolean_one_needs_no_value() -> None:
    parser = argparse.ArgumentParser()
    add_flags(parser)
    text = parser.format_help()
    for option in OPTIONS:
        assert option.flag in text
    assert load_options({}, ["--init-cluster"]).init_cluster
    assert not load_options({"INIT_CLUSTER": "true"}, ["--init-cluster", "false"]).init_cluster


def test_a_child_gets_the_flags_as_variables() -> None:
    parser = argparse.ArgumentParser()
    add_flags(parser)
    flags = vars(parser.parse_args(["--region", "eu-1", "--grpc-bind-addr", ":9"]))
    environ = environment_with_flags({"HTTP_BIND_ADDR": ":1", "HOME": "/h", "REGION": "x"}, flags)
    assert environ == {"HOME": "/h", "REGION": "eu-1", "API_LISTEN_ADDR": ":9"}
    assert load_options(environ) == options_from({"HOME": "/h"}, flags)


@pytest.mark.parametrize("name", ["api_listen", "storage_paths", "min_profile", "drain_seconds", "encrypt_at_rest"])
def test_a_value_as_text_is_that_value_again(name: str) -> None:
    option = next(option for option in OPTIONS if option.name == name)
    value = getattr(load_options({}), name)
    assert option.kind.parse(text_of(value)) == value
