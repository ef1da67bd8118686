"""The supervisor: makes everything ready that its children share, then keeps them running until told to stop.

One thread and no event loop: it waits for signals, exits of children and their words on pipes. Children die with it
(kernel's parent-death signal), so that a killed supervisor leaves nothing behind. Must not know S3.
"""

from __future__ import annotations

import contextlib
import logging
import os
import selectors
import signal
import socket
import sys
import tempfile
import time
from pathlib import Path
from types import FrameType

from django.conf import settings
from django.core.checks import run_checks
from django.db import connections

from anvil_site import checks, logs, telemetry
from anvil_site.database_access import install_deployment, point_django_at, urls_by_alias, use_embedded
from anvil_site.layout import Layout
from anvil_site.node import provisioning
from anvil_site.node.banner import banner
from anvil_site.node.child import Child
from anvil_site.node.durable_files import make_private_directory
from anvil_site.node.listening import CannotBind, Listening, bind
from anvil_site.node.load_table import create_load_table
from anvil_site.node.running_node import RunningNode
from anvil_site.node.stores import StorageError, StorageLock, load_identity, prepare_stores
from anvil_site.option_kinds import Address
from anvil_site.options import BadOptions, Options, load_options
from anvil_site.postgres import (
    GLOBAL_DATABASE,
    REGIONAL_DATABASE,
    EmbeddedPostgres,
    EmbeddedPostgresError,
    create_databases,
)
from control.services.origin import Origin
from dataplane.crypto.keys import KeyRing
from dataplane.erasure.profile import choose_profile

logger = logging.getLogger(__name__)

_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_BEYOND_DRAIN_SECONDS = 5.0
"""Given to children after their drain, to close what is theirs."""
_CONNECTIONS_BESIDE_WORKERS = 40
_CONNECTIONS_OF_A_WORKER = 24
"""Beside its regional pool: the ORM's threads, health checks, the listener for invalidations."""


_SOCKET_DIR_LIMIT_BYTES = 84
"""Leaves room for the names of sockets within the 107 bytes of a path."""


_ENTRY = (sys.executable, "-P", "-m", "anvil_site.node.entry")  # -P: nothing of the working directory


class StartFailed(Exception):
    """The node cannot come up. `str()` is for the operator."""


class _StopRequested(BaseException):
    """A stop signal arrived while the node was still starting."""


class Supervisor:
    """`run()` blocks until the node has stopped; its result is the process's exit status."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._layout = Layout(options.storage_paths[0])
        self._postgres: EmbeddedPostgres | None = None
        self._lock: StorageLock | None = None
        self._listening: list[Listening] = []
        self._children: list[Child] = []
        self._short_socket_dir: tempfile.TemporaryDirectory[str] | None = None
        self._starting = True
        self._wakeup, self._wakeup_writer = socket.socketpair()
        self._selector = selectors.DefaultSelector()

    def run(self) -> int:
        self._catch_signals()
        try:
            node = self._prepare()
            self._starting = False
            return self._supervise(node)
        except (StorageError, CannotBind, EmbeddedPostgresError, StartFailed, BadOptions) as error:
            sys.stderr.write(f"anvil: {error}\n")
            return 1
        except _StopRequested:
            return 0
        finally:
            self._starting = False
            self._stop()

    # -- start

    def _prepare(self) -> RunningNode:
        """Everything before the first child, in an order in which each step may fail without leaving a trace."""
        problems = run_checks(tags=[checks.TAG])
        if problems:
            raise StartFailed("\n  ".join(["The node refuses to start:", *(str(problem.msg) for problem in problems)]))
        self._lock = StorageLock(self._options.storage_paths)
        telemetry.prepare_directory(self._layout.metrics)
        os.environ[telemetry.DIRECTORY_VARIABLE] = str(self._layout.metrics)
        api = self._bind(self._options.api_listen, "API_LISTEN_ADDR")
        admin = self._bind(self._options.admin_listen, "ADMIN_LISTEN_ADDR")
        identity = load_identity(self._layout)
        stores = prepare_stores(self._options.storage_paths, self._layout)
        for store in stores:
            if store.fault:
                logger.error("A store cannot be used", extra={"path": str(store.path), "reason": store.fault})
        self._open_databases()
        origin = Origin(f"node:{identity.node_id}")
        api_url = self._options.public_api or api.url()
        admin_url = f"{admin.url()}/admin/"
        if self._postgres is not None:
            provisioning.provision(
                self._layout,
                endpoints=provisioning.Endpoints(api_url, admin_url, self._options.region),
                key_ring=KeyRing(*self._options.secret_keys),
                origin=origin,
            )
        records = provisioning.register(
            identity.node_id, stores, region=self._options.region, api_url=api_url, origin=origin
        )
        node = RunningNode(
            pid=os.getpid(),
            node_id=identity.node_id,
            region=self._options.region,
            api_address=str(api.address),
            api_url=api_url,
            admin_address=str(admin.address),
            admin_url=admin_url,
            socket_dir=str(self._make_socket_dir()),
            redundancy=str(choose_profile(len(records)) or "none"),
            stores=records,
        )
        node.write(self._layout)
        connections.close_all()  # from here on it only supervises
        return node

    def _bind(self, address: Address, variable: str) -> Listening:
        listening = bind(address, variable)
        self._listening.append(listening)
        return listening

    def _open_databases(self) -> None:
        """Starts the embedded server where no URLs are given; migrates; connects this process's Django."""
        if self._options.embedded_database:
            connections = _CONNECTIONS_BESIDE_WORKERS + self._options.workers * (
                self._options.database_pool_size + _CONNECTIONS_OF_A_WORKER
            )
            self._postgres = EmbeddedPostgres(
                self._layout.postgres, settings={"max_connections": str(max(100, connections))}
            )
            self._postgres.start()
            create_databases(self._postgres.url("postgres"))
            self._options = use_embedded(
                self._layout, self._postgres.url(GLOBAL_DATABASE), self._postgres.url(REGIONAL_DATABASE)
            )
        urls = urls_by_alias(self._options)
        point_django_at(urls)
        install_deployment(self._options)
        changed = provisioning.migrate(urls)
        if changed:
            logger.info("Migrated", extra={"databases": changed})

    def _make_socket_dir(self) -> Path:
        """`run/`, or a private directory with a shorter path: the kernel bounds the paths of unix sockets."""
        make_private_directory(self._layout.run)
        if len(os.fsencode(self._layout.run)) <= _SOCKET_DIR_LIMIT_BYTES:
            return self._layout.run
        self._short_socket_dir = tempfile.TemporaryDirectory(prefix="anvil-")
        return Path(self._short_socket_dir.name)

    def _start_children(self) -> None:
        assert self._lock is not None
        sockets = [listening.socket.fileno() for listening in self._listening]
        load_table = create_load_table(self._options.workers)
        inherited = [*sockets, load_table, *self._lock.descriptors]
        command = [*_ENTRY, "worker", "--api-fd", str(sockets[0]), "--admin-fd", str(sockets[1])]
        command += ["--load-fd", str(load_table)]
        self._children = [
            Child(f"worker-{slot + 1}", [*command, "--slot", str(slot)], inherited=inherited)
            for slot in range(self._options.workers)
        ]
        for child in self._children:
            self._start_child(child)

    def _start_steward(self) -> None:
        """After the workers: clients are served first."""
        assert self._lock is not None
        steward = Child("steward", [*_ENTRY, "steward"], inherited=self._lock.descriptors)
        self._children.append(steward)
        self._start_child(steward)

    def _start_child(self, child: Child) -> None:
        child.start(_environment_of_children())
        assert child.ready_fd is not None
        self._selector.register(child.ready_fd, selectors.EVENT_READ, child)
        logger.info("Started", extra={"child": child.name, "child_pid": child.pid})

    # -- running

    def _supervise(self, node: RunningNode) -> int:
        self._start_children()
        serving = False
        while True:
            due = [child.restart_at for child in self._children if child.restart_at is not None]
            signals = self._wait(min([5.0, *(at - time.monotonic() for at in due)]))
            if signals.intersection(_STOP_SIGNALS):
                logger.info("Draining", extra={"drain_seconds": self._options.drain_seconds})
                return 0
            if signal.SIGHUP in signals:
                self._reload()
            self._replace_postgres()
            self._reap_strangers()
            for child in self._children:
                if (status := child.exited()) is not None:
                    self._lost(child, status)
                if child.restart_at is not None and child.restart_at <= time.monotonic():
                    self._start_child(child)
            if not serving and all(child.ready for child in self._children):
                serving = True
                self._start_steward()
                with contextlib.suppress(OSError):  # nobody reads: the node serves all the same
                    sys.stdout.write(banner(node, self._layout, self._options))
                    sys.stdout.flush()

    def _lost(self, child: Child, status: int) -> None:
        """A node whose workers cannot start ends, so that its operator sees it; once one served, all are replaced."""
        reason = f"signal {signal.Signals(-status).name}" if status < 0 else f"status {status}"
        logger.error("A child ended", extra={"child": child.name, "reason": reason})
        if child.ready_fd is not None:
            self._selector.unregister(child.ready_fd)
            child.close_pipe()
        telemetry.forget_process(child.last_pid, self._layout.metrics)
        if not any(each.was_ready for each in self._children):
            raise StartFailed(f"{child.name} ended with {reason} before it was ready; its log lines above say why.")

    def _replace_postgres(self) -> None:
        """A database server that ended is started again; workers reconnect by themselves."""
        if self._postgres is None or self._postgres.exit_code() is None:
            return
        logger.error("The embedded PostgreSQL ended", extra={"status": self._postgres.exit_code()})
        self._postgres.stop()
        try:
            self._postgres.start()
        except EmbeddedPostgresError as error:
            raise StartFailed(f"The embedded PostgreSQL ended and cannot be started again: {error}") from error

    def _reap_strangers(self) -> None:
        """As the first process of a container it inherits orphans, which nobody else would ever bury."""
        if os.getpid() != 1:
            return
        own = {child.pid for child in self._children} | {self._postgres.pid if self._postgres else None}
        while (ended := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)) is not None:
            if ended.si_pid in own:
                return  # its owner asks for it next
            os.waitpid(ended.si_pid, 0)

    def _reload(self) -> None:
        """Takes over the reloadable options of ENV_FILE and NAME_FILEs; a wrong value changes nothing."""
        try:
            self._options = load_options(os.environ)
        except BadOptions as error:
            logger.error("Not reloaded", extra={"problems": error.problems})
            return
        logs.set_level(self._options.log_level, access_log=self._options.access_log)
        for child in self._children:
            child.send(signal.SIGHUP)
        logger.info("Reloaded")

    # -- stop

    def _stop(self) -> None:
        """Drains the children, then ends what they used. Also after a start that failed halfway."""
        for listening in self._listening:
            listening.socket.close()  # with the workers' copies: from now on clients are refused
        for child in self._children:
            child.send(signal.SIGTERM)
        deadline = time.monotonic() + self._options.drain_seconds + _BEYOND_DRAIN_SECONDS
        while any(child.pid is not None and child.exited() is None for child in self._children):
            again = self._wait(min(1.0, deadline - time.monotonic())).intersection(_STOP_SIGNALS)
            if again or time.monotonic() >= deadline:
                for child in self._children:
                    child.send(signal.SIGKILL)
                    child.wait()
        if self._postgres is not None:
            self._postgres.stop()
        if self._short_socket_dir is not None:
            self._short_socket_dir.cleanup()
        if self._lock is not None:
            self._layout.running_node.unlink(missing_ok=True)
            self._lock.release()

    # -- waiting

    def _catch_signals(self) -> None:
        for end in (self._wakeup, self._wakeup_writer):
            end.setblocking(False)
        signal.set_wakeup_fd(self._wakeup_writer.fileno(), warn_on_full_buffer=False)
        self._selector.register(self._wakeup, selectors.EVENT_READ, None)
        for sign in (*_STOP_SIGNALS, signal.SIGHUP, signal.SIGCHLD):
            signal.signal(sign, self._on_signal)

    def _on_signal(self, number: int, _: FrameType | None) -> None:
        if self._starting and number in _STOP_SIGNALS:
            raise _StopRequested

    def _wait(self, timeout_seconds: float) -> set[int]:
        """Blocks until something happens; the signals that came in. Words of children are taken from their pipes."""
        signals: set[int] = set()
        for key, _ in self._selector.select(max(0.0, timeout_seconds)):
            if key.data is None:
                try:
                    signals.update(self._wakeup.recv(4096))
                except BlockingIOError:
                    continue
            else:
                self._selector.unregister(key.fd)
                key.data.read_ready()
        return signals


def _environment_of_children() -> dict[str, str]:
    """This process's, and where it found this very code, so that children start from any working directory."""
    paths = [str(settings.BASE_DIR), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in paths if path)}
