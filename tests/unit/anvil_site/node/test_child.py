"""A supervised child: ready, ended, due again; tied to its parent's life; on bound sockets."""

from __future__ import annotations

import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from anvil_site.child_process import Account, can_traverse
from anvil_site.node.child import Child
from anvil_site.node.listening import CannotBind, bind
from anvil_site.option_kinds import Address

READY_THEN_SLEEP = "import os, sys, time; os.write(int(sys.argv[-1]), b'ready\\n'); time.sleep(600)"


def child_of(program: str) -> Child:
    return Child("c", [sys.executable, "-c", program], inherited=())


def wait_for_word(child: Child) -> None:
    assert child.ready_fd is not None
    with selectors.DefaultSelector() as selector:
        selector.register(child.ready_fd, selectors.EVENT_READ)
        assert selector.select(20)
    child.read_ready()


def wait_for_exit(child: Child) -> int:
    deadline = time.monotonic() + 20
    while (status := child.exited()) is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return status


def test_a_child_says_that_it_is_ready_and_is_reported_once_when_it_ends() -> None:
    child = child_of(READY_THEN_SLEEP)
    child.start(os.environ)
    wait_for_word(child)
    assert child.ready
    assert child.exited() is None
    child.send(signal.SIGKILL)
    assert wait_for_exit(child) == -signal.SIGKILL
    assert child.exited() is None
    assert not child.ready
    assert child.was_ready


def test_a_child_that_ends_before_its_word_is_not_ready() -> None:
    child = child_of("raise SystemExit(3)")
    child.start(os.environ)
    wait_for_word(child)
    assert not child.ready
    assert wait_for_exit(child) == 3
    assert not child.was_ready


def test_a_child_that_keeps_ending_is_due_later_each_time_and_within_a_bound() -> None:
    child = child_of("raise SystemExit(1)")
    delays = []
    for _ in range(3):
        child.start(os.environ)
        assert child.restart_at is None
        wait_for_exit(child)
        child.close_pipe()
        assert child.restart_at is not None
        delays.append(child.restart_at - time.monotonic())
    assert delays[0] < 0.05
    assert delays[0] < delays[1] < delays[2] < 1.0


def test_a_child_dies_with_its_parent(tmp_path: Path) -> None:
    parent = (
        "import os, sys, time; from anvil_site.node.child import Child\n"
        f"child = Child('c', [sys.executable, '-c', {READY_THEN_SLEEP!r}], inherited=())\n"
        "child.start(os.environ); os.read(child.ready_fd, 9); print(child.pid, flush=True); time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        process.kill()
    deadline = time.monotonic() + 10
    while Path(f"/proc/{pid}").exists() and "Z" not in Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1][:4]:
        assert time.monotonic() < deadline, "the child outlived its parent"
        time.sleep(0.01)


def test_a_bound_socket_refuses_until_somebody_listens() -> None:
    bound = bind(Address("127.0.0.1", 0), "API_LISTEN_ADDR")
    with bound.socket:
        assert bound.address.port > 0
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", bound.address.port), timeout=5)
        bound.socket.listen()
        socket.create_connection(("127.0.0.1", bound.address.port), timeout=5).close()
        with pytest.raises(CannotBind, match=r"Cannot bind API_LISTEN_ADDR 127\.0\.0\.1:"):
            bind(bound.address, "API_LISTEN_ADDR")


def test_the_url_of_every_interface_is_loopback() -> None:
    with bind(Address("0.0.0.0", 0), "API_LISTEN_ADDR").socket as everywhere:
        port = everywhere.getsockname()[1]
    bound = bind(Address("0.0.0.0", port), "API_LISTEN_ADDR")
    with bound.socket:
        assert bound.url() == f"http://127.0.0.1:{port}"


def test_a_host_that_does_not_exist_cannot_be_bound() -> None:
    with pytest.raises(CannotBind, match="ADMIN_LISTEN_ADDR"):
        bind(Address("203.0.113.1", 0), "ADMIN_LISTEN_ADDR")


def test_whether_an_account_passes_by_the_mode_bits(tmp_path: Path) -> None:
    stranger = Account("stranger", 54321, 54321)
    (tmp_path / "open").mkdir(mode=0o755)
    (tmp_path / "closed").mkdir(mode=0o700)
    for parent in (tmp_path, *tmp_path.parents):
        if not parent.stat().st_mode & 0o001:
            assert not can_traverse(tmp_path / "open" / "x", stranger)
            return
    assert can_traverse(tmp_path / "open" / "x", stranger)
    assert not can_traverse(tmp_path / "closed" / "x", stranger)
