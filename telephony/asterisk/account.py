"""Who Asterisk runs as, and which folders that account can enter."""

import grp
import os
import pwd
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

from telephony.errors import SetupError


@dataclass(frozen=True, slots=True)
class Account:
    """A system account: name, numeric user and primary group."""

    name: str
    uid: int
    gid: int

    @property
    def is_me(self) -> bool:
        """Asterisk would run as the one who starts it."""
        return self.uid == os.geteuid()

    def can_enter(self, directory: Path) -> bool:
        """Whether the account may pass through this one folder (its parents are not looked at)."""
        status = directory.stat()
        if self.uid in (0, status.st_uid):
            return self.uid == 0 or bool(status.st_mode & stat.S_IXUSR)
        groups = {self.gid, *(group.gr_gid for group in grp.getgrall() if self.name in group.gr_mem)}
        return bool(status.st_mode & (stat.S_IXGRP if status.st_gid in groups else stat.S_IXOTH))

    def barrier_before(self, path: Path) -> Path | None:
        """The topmost folder above `path` that the account cannot enter, or None when it reaches `path`."""
        return next((parent for parent in reversed(path.parents) if not self.can_enter(parent)), None)


def account_for(user: str) -> Account:
    """The account an instance runs as: `user` (made when missing) when we are root, else ourselves.

    Raises SetupError when `user` is root: calls come from strangers, whoever breaks Asterisk must not own the machine.
    """
    if os.geteuid() != 0:
        me = pwd.getpwuid(os.geteuid())
        return Account(me.pw_name, me.pw_uid, me.pw_gid)
    try:
        entry = pwd.getpwnam(user)
    except KeyError:
        entry = _create(user)
    if entry.pw_uid == 0:
        raise SetupError(f"Asterisk must not run as root: set its user to an account of its own, not {user!r}")
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def _create(user: str) -> pwd.struct_passwd:
    command = ["useradd", "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
    done = subprocess.run([*command, "--shell", "/usr/sbin/nologin", user], capture_output=True, text=True, check=False)
    try:
        return pwd.getpwnam(user)  # somebody else may have made it in the same moment: that is fine too
    except KeyError as error:
        raise SetupError(f"cannot make the system account {user!r}: {done.stderr.strip()}") from error
