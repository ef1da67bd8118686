"""What a child process does between fork and exec: tie its life to its parent's, and give up root.

Knows Linux's prctl and capabilities; must not know what is being started.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_PR_SET_KEEPCAPS = 8
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_RAISE = 2
_CAP_DAC_READ_SEARCH = 2
_LINUX_CAPABILITY_VERSION_3 = 0x20080522

# Loaded before any fork: dlopen takes locks that a forked child must not wait for.
_libc = ctypes.CDLL(None, use_errno=True)


class _CapabilityHeader(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]


class _CapabilityData(ctypes.Structure):
    _fields_ = [("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32)]


@dataclass(frozen=True, slots=True)
class Account:
    """The unprivileged account a child runs under when its parent is root."""

    name: str
    uid: int
    gid: int


def unprivileged_account() -> Account | None:
    """None unless this process is root; else the account its database child runs under.

    `anvil` if the machine has such an account, else `nobody`. Raises LookupError where neither exists.
    """
    if os.geteuid() != 0:
        return None
    for name in ("anvil", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
    raise LookupError("this machine has neither an account 'anvil' nor 'nobody'")


def can_traverse(path: Path, account: Account) -> bool:
    """Whether `account` can pass every directory above `path` by the plain mode bits."""
    for parent in path.resolve().parents:
        status = parent.stat()
        if status.st_uid == account.uid:
            allowed = status.st_mode & 0o100
        elif status.st_gid == account.gid:
            allowed = status.st_mode & 0o010
        else:
            allowed = status.st_mode & 0o001
        if not allowed:
            return False
    return True


def before_exec(
    death_signal: signal.Signals, account: Account | None = None, *, search_all_paths: bool = False
) -> Callable[[], None]:
    """A `preexec_fn`: optionally become `account`, then die by `death_signal` when the parent's thread dies.

    The kernel ties the signal to the *thread* that forks: call Popen from a thread that lives as long as
    the child should, the main one. `search_all_paths` leaves the child CAP_DAC_READ_SEARCH, so that it
    reaches its own files below directories closed to others without any mode being changed.
    """
    parent_pid = os.getpid()

    def prepare() -> None:
        if account is not None:
            _give_up_root(account, keep_search=search_all_paths)
        # After setuid, which clears it.
        _check(_libc.prctl(_PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0))
        if os.getppid() != parent_pid:  # it died before the line above
            os._exit(1)

    return prepare


def _give_up_root(account: Account, *, keep_search: bool) -> None:
    if keep_search:
        _check(_libc.prctl(_PR_SET_KEEPCAPS, 1, 0, 0, 0))
    os.setgroups([])
    os.setgid(account.gid)
    os.setuid(account.uid)
    if keep_search:
        mask = 1 << _CAP_DAC_READ_SEARCH
        header = _CapabilityHeader(_LINUX_CAPABILITY_VERSION_3, 0)
        data = (_CapabilityData * 2)(_CapabilityData(mask, mask, mask), _CapabilityData(0, 0, 0))
        _check(_libc.capset(ctypes.byref(header), data))
        _check(_libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, _CAP_DAC_READ_SEARCH, 0, 0))


def _check(result: int) -> None:
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
