"""The embedded PostgreSQL: lifetime, locking, what it does to the file system."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from anvil_site.postgres import (
    GLOBAL_DATABASE,
    REGIONAL_DATABASE,
    EmbeddedPostgres,
    EmbeddedPostgresError,
    create_databases,
    running_socket_dir,
)

SMALL = {"shared_buffers": "16MB"}


def wait_until(condition: Callable[[], bool], seconds: float = 15.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "condition not met in time"
        time.sleep(0.01)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_it_keeps_data_over_a_restart_and_makes_both_databases_once(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path / "pg", settings=SMALL)
    server.start()
    try:
        for _ in range(2):
            create_databases(server.url("postgres"))
        with psycopg.connect(server.url(GLOBAL_DATABASE)) as connection:
            connection.execute("CREATE TABLE kept (value int)")
            connection.execute("INSERT INTO kept VALUES (7)")
        with psycopg.connect(server.url(REGIONAL_DATABASE)) as connection:
            assert connection.execute("SHOW synchronous_commit").fetchone() == ("on",)
            assert connection.execute("SHOW fsync").fetchone() == ("on",)
            assert connection.execute("SHOW data_checksums").fetchone() == ("on",)
            assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
            assert connection.execute("SHOW server_encoding").fetchone() == ("UTF8",)
    finally:
        server.stop()
    assert running_socket_dir(tmp_path / "pg") is None
    server.start()
    try:
        assert running_socket_dir(tmp_path / "pg") == server.socket_dir
        with psycopg.connect(server.url(GLOBAL_DATABASE)) as connection:
            assert connection.execute("SELECT value FROM kept").fetchone() == (7,)
    finally:
        server.stop()


def test_a_second_owner_is_refused_while_the_first_runs(tmp_path: Path) -> None:
    first = EmbeddedPostgres(tmp_path / "pg", settings=SMALL)
    first.start()
    try:
        with pytest.raises(EmbeddedPostgresError, match="Another process runs"):
            EmbeddedPostgres(tmp_path / "pg", settings=SMALL).start(timeout_seconds=0.2)
        assert first.exit_code() is None
    finally:
        first.stop()


def test_a_stale_pid_file_naming_a_living_process_does_not_block_the_start(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path / "pg", settings=SMALL)
    server.start()
    assert server.pid is not None
    os.kill(server.pid, signal.SIGKILL)
    wait_until(lambda: server.exit_code() is not None)
    pid_file = tmp_path / "pg" / "data" / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    lines[0] = str(os.getpid())
    pid_file.write_text("\n".join(lines) + "\n")
    server.stop()
    server.start()
    try:
        with psycopg.connect(server.url("postgres")) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
    finally:
        server.stop()


def test_an_unfinished_initdb_is_started_over(tmp_path: Path) -> None:
    unfinished = tmp_path / "pg" / "data.unfinished"
    unfinished.mkdir(parents=True)
    (unfinished / "PG_VERSION").write_text("18\n")
    server = EmbeddedPostgres(tmp_path / "pg", settings=SMALL)
    server.start()
    server.stop()
    assert not unfinished.exists()


def test_a_cluster_of_another_major_version_is_refused_with_advice(tmp_path: Path) -> None:
    data = tmp_path / "pg" / "data"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("9\n")
    with pytest.raises(EmbeddedPostgresError, match=r"PostgreSQL 9.*dump it"):
        EmbeddedPostgres(tmp_path / "pg").start()


def test_a_storage_path_too_long_for_a_socket_gets_a_private_short_one(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 60) / ("e" * 60) / "pg"
    server = EmbeddedPostgres(deep, settings=SMALL)
    assert not server.socket_dir.is_relative_to(deep)
    server.start()
    try:
        assert server.socket_dir.stat().st_mode & 0o777 == 0o700
        with psycopg.connect(server.url("postgres")) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
    finally:
        server.stop()


def test_a_socket_directory_that_is_a_link_is_refused(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.mkdir(mode=0o755)
    (tmp_path / "link").symlink_to(target)
    owner = target.stat().st_uid
    with pytest.raises(EmbeddedPostgresError, match="Cannot prepare"):
        EmbeddedPostgres(tmp_path / "pg", tmp_path / "link").start()
    assert target.stat().st_uid == owner


@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGTERM])
def test_the_server_dies_with_its_owner_and_shuts_down_cleanly(tmp_path: Path, sign: signal.Signals) -> None:
    program = (
        "import sys, time; from pathlib import Path; from anvil_site.postgres import EmbeddedPostgres\n"
        "server = EmbeddedPostgres(Path(sys.argv[1]), settings={'shared_buffers': '16MB'})\n"
        "server.start(); print(server.pid, flush=True); time.sleep(600)"
    )
    owner = subprocess.Popen([sys.executable, "-c", program, str(tmp_path / "pg")], stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    with owner:
        pid = int(owner.stdout.readline())
        owner.send_signal(sign)
        owner.wait()
    wait_until(lambda: not alive(pid))
    log = (tmp_path / "pg" / "server.log").read_text()
    assert "database system is shut down" in log
    server = EmbeddedPostgres(tmp_path / "pg", settings=SMALL)
    server.start()
    server.stop()
    assert "not properly shut down" not in (tmp_path / "pg" / "server.log").read_text()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives up root")
def test_as_root_it_runs_unprivileged_and_changes_no_mode_outside_its_directory(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    storage = closed / "storage"
    storage.mkdir(mode=0o700)

    def modes() -> list[tuple[str, int, int]]:
        return [(str(path), path.stat().st_mode, path.stat().st_uid) for path in (storage, *storage.parents)]

    before = modes()
    server = EmbeddedPostgres(storage / "postgres", settings=SMALL)
    server.start()
    try:
        status = Path(f"/proc/{server.pid}/status").read_text()
        uids = next(line for line in status.splitlines() if line.startswith("Uid:")).split()[1:]
        assert "0" not in uids
        assert (storage / "postgres").stat().st_uid == int(uids[0])
        assert modes() == before
    finally:
        server.stop()
