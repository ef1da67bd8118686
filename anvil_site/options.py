"""Every option of a node, once: the fields of `Options`.

The reference page, `--flags` of anvil_serve, `anvil config` and the message about wrong values are all generated
from these fields. Values come from flags, then the environment (by name or an older alias; `NAME_FILE` names a
file that holds the value), then ENV_FILE, then the default. Reads those files and nothing else; must not know what
the values are used for.
"""

# ruff: noqa: RUF009 - `_option` is dataclasses.field with a row of the table in it

from __future__ import annotations

import argparse
import dataclasses
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from environ import Env
from environ.fileaware_mapping import FileAwareMapping

from anvil_site import option_kinds as kinds
from anvil_site.option_kinds import Address, Kind
from dataplane.contracts import Profile

MINIMUM_SECRET_CHARACTERS = 16
_LARGEST_DEFAULT_WORKERS = 8
_ADMIN_PORT = 50052


@dataclasses.dataclass(frozen=True, slots=True)
class Option:
    """One row of the table. `default` is text, as an operator would write it; "" means: not set."""

    name: str
    variable: str
    kind: Kind
    default: str
    reason: str
    aliases: tuple[str, ...] = ()
    unit: str = ""
    secret: bool = False
    reloadable: bool = False
    """Taken over on SIGHUP without a restart."""

    @property
    def flag(self) -> str:
        return _flag(self.variable)

    @property
    def variables(self) -> tuple[str, ...]:
        return (self.variable, *self.aliases)


class BadOptions(Exception):
    """Wrong or missing values. `problems` has one line for each; `str()` is the whole message."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        noun = "option is" if len(self.problems) == 1 else "options are"
        super().__init__("\n".join([f"{len(self.problems)} {noun} wrong:", *(f"  {line}" for line in self.problems)]))


def _option(
    variable: str,
    kind: Kind,
    default: str,
    reason: str,
    *,
    aliases: tuple[str, ...] = (),
    unit: str = "",
    secret: bool = False,
    reloadable: bool = False,
) -> Any:
    return dataclasses.field(
        metadata={
            "variable": variable,
            "kind": kind,
            "default": default,
            "reason": reason,
            "aliases": aliases,
            "unit": unit,
            "secret": secret,
            "reloadable": reloadable,
        }
    )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The parsed values. Unset optional ones are None, "" or ()."""

    storage_paths: tuple[Path, ...] = _option(
        "STORAGE_PATH",
        kinds.list_of(kinds.PATH),
        "./anvil-data",
        "Where the node keeps its data: one directory for each drive, comma separated. The first also holds the "
        "node's identity, the embedded database and generated secrets.",
    )
    region: str = _option("REGION", kinds.REGION, "us-east-1", "The region this node serves.")
    global_database_url: str | None = _option(
        "GLOBAL_DATABASE_URL",
        kinds.DATABASE_URL,
        "",
        "The database all regions share: tenants, apps, buckets. Without any URL the node runs its own PostgreSQL.",
        secret=True,
    )
    regional_database_url: str | None = _option(
        "REGIONAL_DATABASE_URL", kinds.DATABASE_URL, "", "The region's database: object metadata.", secret=True
    )
    global_database_replica_url: str | None = _option(
        "GLOBAL_DATABASE_REPLICA_URL",
        kinds.DATABASE_URL,
        "",
        "A read replica of the global database, for listings and reports.",
        secret=True,
    )
    regional_database_replica_url: str | None = _option(
        "REGIONAL_DATABASE_REPLICA_URL",
        kinds.DATABASE_URL,
        "",
        "A read replica of the regional database, for listings and reports.",
        secret=True,
    )
    database_pool_size: int = _option(
        "DATABASE_POOL_SIZE",
        kinds.integer(1, 100),
        "8",
        "Connections of each worker to the regional database. More of them lower the throughput of a small machine.",
        unit="connections",
    )
    prepared_statements: bool = _option(
        "DATABASE_PREPARED_STATEMENTS",
        kinds.BOOLEAN,
        "true",
        "Prepare the hot statements once a connection. Set false behind a PgBouncer older than 1.21 that pools by "
        "transaction.",
    )
    jwt_secret: str | None = _option(
        "JWT_SECRET",
        kinds.TEXT,
        "",
        "Signs access tokens (HS256); the same on every node. Generated where no database URL is given.",
        secret=True,
    )
    secret_encryption_key: bytes | None = _option(
        "ANVIL_SECRET_ENCRYPTION_KEY",
        kinds.HEX_KEY,
        "",
        "The server key: seals secrets in the database and wraps the keys of objects; the same on every node. "
        "Generated where no database URL is given.",
        secret=True,
    )
    secret_encryption_key_id: str = _option(
        "ANVIL_SECRET_ENCRYPTION_KEY_ID",
        kinds.KEY_ID,
        "primary",
        "Name of the server key, stored beside everything it seals; give a new key a new name.",
    )
    secret_encryption_previous_keys: tuple[tuple[str, bytes], ...] = _option(
        "ANVIL_SECRET_ENCRYPTION_PREVIOUS_KEYS",
        kinds.list_of(kinds.NAMED_KEY),
        "",
        "Earlier server keys as ID:HEX, comma separated: they still open what they sealed.",
        aliases=("ANVIL_SECRET_ENCRYPTION_KEY_PREVIOUS_KEYS",),
        secret=True,
    )
    cluster_secret: str | None = _option(
        "CLUSTER_SECRET",
        kinds.TEXT,
        "",
        "What nodes of one cluster know each other by. Without one a node runs alone.",
        aliases=("ANVIL_CLUSTER_SECRET",),
        secret=True,
    )
    api_listen: Address = _option(
        "API_LISTEN_ADDR",
        kinds.ADDRESS,
        "0.0.0.0:50051",
        "Where S3 and gRPC are served, on one port.",
        aliases=("GRPC_BIND_ADDR", "HTTP_BIND_ADDR"),
    )
    public_api: str | None = _option(
        "PUBLIC_API_ADDR",
        kinds.PUBLIC_ADDRESS,
        "",
        "Where clients and peers reach the API; by default what API_LISTEN_ADDR says.",
        aliases=("PUBLIC_GRPC_ADDR",),
    )
    admin_listen: Address = _option(
        "ADMIN_LISTEN_ADDR",
        kinds.ADDRESS,
        "",
        "Where the console and the REST API are served: 127.0.0.1:50052 unless told otherwise (50053 where the API "
        "has that port).",
    )
    admin_allowed_hosts: tuple[str, ...] = _option(
        "ADMIN_ALLOWED_HOSTS",
        kinds.list_of(kinds.TEXT),
        "*",
        "Host names the console answers to. Name them once the console is reachable from other machines.",
    )
    admin_trusted_origins: tuple[str, ...] = _option(
        "ADMIN_TRUSTED_ORIGINS",
        kinds.list_of(kinds.TEXT),
        "",
        "Origins (https://console.example.com) from which a TLS proxy serves the console.",
    )
    django_secret_key: str | None = _option(
        "DJANGO_SECRET_KEY",
        kinds.TEXT,
        "",
        "Signs the console's sessions; the same on every node behind one address. Derived from JWT_SECRET if not set.",
        secret=True,
    )
    cluster_listen: str = _option(
        "CLUSTER_LISTEN_ADDR",
        kinds.CLUSTER_ADDRESS,
        "/ip4/0.0.0.0/udp/7443/quic-v1",
        "Where peers reach this node: gossip over QUIC, shards over TCP on the same number.",
        aliases=("QUIC_BIND_ADDR",),
    )
    public_cluster_addrs: tuple[str, ...] = _option(
        "PUBLIC_CLUSTER_ADDRS",
        kinds.list_of(kinds.CLUSTER_ADDRESS),
        "",
        "The addresses this node tells its peers; by default what CLUSTER_LISTEN_ADDR says.",
        aliases=("PUBLIC_ADDRS",),
    )
    bootstrap_addrs: tuple[str, ...] = _option(
        "BOOTSTRAP_ADDRS",
        kinds.list_of(kinds.CLUSTER_ADDRESS),
        "",
        "Peers to contact at start.",
    )
    init_cluster: bool = _option(
        "INIT_CLUSTER",
        kinds.BOOLEAN,
        "false",
        "Marks the first node of a cluster: it may come up with nobody to contact.",
    )
    enable_mdns: bool = _option("ENABLE_MDNS", kinds.BOOLEAN, "true", "Find peers on the local network.")
    metadata_cache_ttl_seconds: float = _option(
        "METADATA_CACHE_TTL_SECS",
        kinds.seconds(0, 86400),
        "300",
        "How long buckets and credentials are cached at most, should an invalidation be lost.",
        unit="seconds",
    )
    cache_backend: str = _option(
        "CACHE_BACKEND", kinds.choice("local", "redis"), "local", "Where the console's cache lives."
    )
    cache_ttl_seconds: float = _option(
        "CACHE_TTL", kinds.seconds(1, 86400 * 30), "3600", "How long the console's cache keeps a value.", unit="seconds"
    )
    redis_url: str | None = _option(
        "REDIS_URL", kinds.REDIS_URL, "", "The Redis server of CACHE_BACKEND=redis.", secret=True
    )
    redis_pool_size: int = _option(
        "REDIS_POOL_SIZE", kinds.integer(1, 1000), "10", "Connections of each worker to Redis.", unit="connections"
    )
    workers: int = _option(
        "WORKERS",
        kinds.integer(1, 256),
        "auto",
        "Processes that serve requests; auto is one for each core, at most 8.",
        unit="processes",
    )
    drain_seconds: float = _option(
        "DRAIN_SECONDS",
        kinds.seconds(0, 3600),
        "30",
        "How long requests in flight may take to finish after SIGTERM.",
        unit="seconds",
        reloadable=True,
    )
    inline_object_bytes: int = _option(
        "INLINE_OBJECT_BYTES",
        kinds.size(0, 1 << 20),
        "64KiB",
        "Objects up to this size live in their metadata row: one commit, no shard files.",
        unit="bytes",
    )
    segment_bytes: int = _option(
        "SEGMENT_BYTES",
        kinds.size(64 << 10, 16 << 20),
        "1MiB",
        "The unit in which objects are encrypted, coded and read. Existing objects keep theirs.",
        unit="bytes",
    )
    encrypt_at_rest: bool = _option(
        "ENCRYPT_AT_REST", kinds.BOOLEAN, "true", "Seal new objects with AES-256-GCM before they are stored."
    )
    min_profile: Profile = _option(
        "MIN_PROFILE",
        kinds.PROFILE,
        "1+0",
        "The least redundancy a new object may get; a write is refused (503) while too few stores live for it.",
    )
    delete_grace_seconds: float = _option(
        "DELETE_GRACE_SECONDS",
        kinds.seconds(0, 86400),
        "60",
        "How long shards outlive their object, for reads that looked it up before it was deleted.",
        unit="seconds",
    )
    s3_domains: tuple[str, ...] = _option(
        "S3_DOMAINS",
        kinds.list_of(kinds.DOMAIN),
        "",
        "Domains below which a host name's first label is a bucket (virtual-host addressing).",
    )
    log_level: str = _option(
        "LOG_LEVEL",
        kinds.choice("debug", "info", "warning", "error"),
        "info",
        "The least severe events to log.",
        reloadable=True,
    )
    access_log: bool = _option(
        "ACCESS_LOG",
        kinds.BOOLEAN,
        "false",
        "Log one line for each request. Metrics count them either way.",
        reloadable=True,
    )

    env_file: Path | None = _option(
        "ENV_FILE",
        kinds.PATH,
        "",
        "A file of NAME=VALUE lines with any of these options; the environment and flags go before it. SIGHUP reads "
        "the reloadable ones again.",
    )

    @property
    def embedded_database(self) -> bool:
        """Whether the node runs its own PostgreSQL."""
        return self.global_database_url is None and self.regional_database_url is None

    @property
    def secret_keys(self) -> tuple[str, dict[str, bytes]]:
        """The id of the server key that seals from now on, and every known key by its id."""
        if self.secret_encryption_key is None:
            raise BadOptions([f"ANVIL_SECRET_ENCRYPTION_KEY is missing: {_ADVICE_FOR_SECRETS}"])
        current = self.secret_encryption_key_id
        return current, {**dict(self.secret_encryption_previous_keys), current: self.secret_encryption_key}


OPTIONS: tuple[Option, ...] = tuple(Option(name=field.name, **field.metadata) for field in dataclasses.fields(Options))

_BY_NAME = {option.name: option for option in OPTIONS}
_ADVICE_FOR_SECRETS = "a node with database URLs generates no secrets; set it, or name a file that holds it with _FILE"


def load_options(environ: Mapping[str, str], argv: Sequence[str] = ()) -> Options:
    """Raises `BadOptions` naming every wrong or missing value at once. An unknown flag ends the process (argparse)."""
    parser = argparse.ArgumentParser(prog="anvil_serve", allow_abbrev=False)
    add_flags(parser)
    return options_from(environ, vars(parser.parse_args(argv)))


def add_flags(parser: argparse.ArgumentParser) -> None:
    """One flag for each option and alias, and `--NAME-file` for secrets; parsed into their `name` as text."""
    group = parser.add_argument_group("options of the node (each also an environment variable)")
    for option in OPTIONS:
        default = f" Default: {option.default}." if option.default else ""
        text = f"{option.reason}{default} [{option.variable}]".replace("%", "%%")
        more: dict[str, Any] = {"nargs": "?", "const": "true"} if option.kind is kinds.BOOLEAN else {}
        group.add_argument(*map(_flag, option.variables), dest=option.name, metavar="VALUE", help=text, **more)
        if option.secret:
            group.add_argument(
                f"{option.flag}-file",
                dest=f"{option.name}_file",
                metavar="PATH",
                help=f"A file that holds {option.variable}; unlike a flag's value it is not seen by other users.",
            )


def options_from(environ: Mapping[str, str], flags: Mapping[str, Any]) -> Options:
    """`flags`: texts by option name (None where not given), as `add_flags` leaves them; other keys are ignored."""
    problems: list[str] = []
    sources = [environment_with_flags(environ, flags)]
    sources.append(_env_file(sources[0], problems))
    values: dict[str, Any] = {}
    for option in OPTIONS:
        text, source = _lookup(option, sources, problems)
        if not text:
            values[option.name] = () if option.kind.many else None
            continue
        try:
            values[option.name] = option.kind.parse(text)
        except ValueError as error:
            shown = "its value" if option.secret else repr(text)
            problems.append(f"{source}: {shown} {error}")
            values[option.name] = None
    if not problems:
        values["admin_listen"] = values["admin_listen"] or _default_admin_listen(values["api_listen"])
        problems += _contradictions(Options(**values))
    if problems:
        raise BadOptions(problems)
    return Options(**values)


def option_text(variable: str, environ: Mapping[str, str]) -> str:
    """One option as it is written somewhere, unchecked: for Django's settings, which must load whatever is wrong."""
    ignored: list[str] = []
    option = next(option for option in OPTIONS if option.variable == variable)
    return _lookup(option, [environ, _env_file(environ, ignored)], ignored)[0]


def environment_with_flags(environ: Mapping[str, str], flags: Mapping[str, Any]) -> dict[str, str]:
    """`environ` with every given flag in place of whatever spelled that option: what a child process is given."""
    result = dict(environ)
    for option in OPTIONS:
        for suffix, key in (("", option.name), ("_FILE", f"{option.name}_file")):
            value = flags.get(key)
            if value is not None:
                for variable in option.variables:
                    result.pop(variable, None)
                    result.pop(f"{variable}_FILE", None)
                result[f"{option.variable}{suffix}"] = str(value)
    return result


def text_of(value: Any) -> str:
    """A parsed value as an operator would write it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, tuple):
        if len(value) == 2 and isinstance(value[0], str) and isinstance(value[1], bytes):
            return f"{value[0]}:{value[1].hex()}"
        return ",".join(text_of(entry) for entry in value)
    return str(value)


def _flag(variable: str) -> str:
    return "--" + variable.lower().replace("_", "-")


def _env_file(environ: Mapping[str, str], problems: list[str]) -> dict[str, str]:
    path = environ.get("ENV_FILE", "").strip()
    if not path:
        return {}

    class FileOnly(Env):  # type: ignore[misc] # untyped package
        ENVIRON: ClassVar[dict[str, str]] = {}

    try:
        with Path(path).open(encoding="utf-8") as file:
            FileOnly.read_env(file)
    except (OSError, UnicodeDecodeError) as error:
        problems.append(f"ENV_FILE: cannot read {path}: {_why(error)}")
    return FileOnly.ENVIRON


def _lookup(option: Option, sources: Sequence[Mapping[str, str]], problems: list[str]) -> tuple[str, str]:
    """The text and the name it was found under, in the first source that has the option at all.

    Two spellings with different values are a problem, not a guess.
    """
    for environ in sources:
        found: dict[str, str] = {}
        mapping = FileAwareMapping(env=dict(environ), cache=False)
        for variable in option.variables:
            try:
                text = mapping.get(variable)
            except (OSError, UnicodeDecodeError) as error:
                problems.append(f"{variable}_FILE: cannot read {environ[f'{variable}_FILE']}: {_why(error)}")
                continue
            if text is not None and text.strip():
                found[variable] = text.strip()
        if len(set(found.values())) > 1:
            problems.append(f"{' and '.join(found)} are the same option and have different values")
        if found:
            return next(iter(found.values())), next(iter(found))
    if option.name == "workers":
        return str(min(_usable_cores(), _LARGEST_DEFAULT_WORKERS)), option.variable
    return option.default, option.variable


def _why(error: OSError | UnicodeDecodeError) -> str:
    return str(error.strerror) if isinstance(error, OSError) else "it is not UTF-8 text"


def _default_admin_listen(api: Address) -> Address:
    """Next to the API's usual port, and out of its way where the API itself was given that one."""
    return Address("127.0.0.1", _ADMIN_PORT if api.port != _ADMIN_PORT else _ADMIN_PORT + 1)


def _usable_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _contradictions(options: Options) -> list[str]:
    problems = []
    urls = (options.global_database_url, options.regional_database_url)
    if any(urls) and not all(urls):
        missing, given = ("GLOBAL", "REGIONAL") if urls[0] is None else ("REGIONAL", "GLOBAL")
        problems.append(
            f"{missing}_DATABASE_URL is missing: {given}_DATABASE_URL is set, and a node has either both or neither "
            "(then it runs its own PostgreSQL)"
        )
    if any(urls):
        problems += [
            f"{_BY_NAME[name].variable} is missing: {_ADVICE_FOR_SECRETS}"
            for name in ("jwt_secret", "secret_encryption_key")
            if getattr(options, name) is None
        ]
    problems += [
        f"{_BY_NAME[name].variable}: its value has fewer than {MINIMUM_SECRET_CHARACTERS} characters"
        for name in ("jwt_secret", "cluster_secret", "django_secret_key")
        if getattr(options, name) is not None and len(getattr(options, name)) < MINIMUM_SECRET_CHARACTERS
    ]
    if options.secret_encryption_key is not None:
        for key_id, key in options.secret_encryption_previous_keys:
            if key_id == options.secret_encryption_key_id and key != options.secret_encryption_key:
                problems.append(
                    f"ANVIL_SECRET_ENCRYPTION_PREVIOUS_KEYS: {key_id!r} is also the current key's id; "
                    "give the new key another ANVIL_SECRET_ENCRYPTION_KEY_ID"
                )
    if options.bootstrap_addrs and options.cluster_secret is None:
        problems.append("CLUSTER_SECRET is missing: BOOTSTRAP_ADDRS is set, and peers trust each other by the secret")
    if options.cache_backend == "redis" and options.redis_url is None:
        problems.append("REDIS_URL is missing: CACHE_BACKEND is redis")
    if options.api_listen.port != 0 and options.api_listen.port == options.admin_listen.port:
        problems.append(
            f"ADMIN_LISTEN_ADDR: {options.admin_listen} has the port of API_LISTEN_ADDR ({options.api_listen})"
        )
    return problems + _path_problems(options.storage_paths)


def _path_problems(paths: Sequence[Path]) -> list[str]:
    if not paths:
        return ["STORAGE_PATH: names no directory"]
    problems = []
    for index, path in enumerate(paths):
        for other in paths[index + 1 :]:
            if path == other or path in other.parents or other in path.parents:
                problems.append(f"STORAGE_PATH: {path} and {other} are not apart; each store needs its own directory")
    return problems
