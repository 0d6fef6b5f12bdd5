"""The command that brings Asterisk up: unprivileged, outliving the one who starts it, able to reach its folders.

Started by root, Asterisk runs as an account that often cannot enter the folder things lie in (a home folder is 0700).
Opening that folder for everybody is not ours to do. Instead the process gets a private mount namespace in which the
closed folder is covered by an empty one that holds nothing but what Asterisk needs, under the same path. The namespace
dies with the process: nothing is left behind, whatever kills it.
"""

import shlex
import subprocess
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from telephony.asterisk.account import Account
from telephony.asterisk.installation import Installation
from telephony.asterisk.settings import AsteriskSettings
from telephony.errors import SetupError


def needed_dirs(settings: AsteriskSettings, installation: Installation) -> tuple[Path, ...]:
    """Every folder that the process must reach, with links resolved, parents before children."""
    wanted = {settings.directory, *settings.readable_dirs, *settings.writable_dirs}
    wanted |= {installation.module_dir, installation.data_dir} if installation.root is None else {installation.root}
    if settings.tls is not None:
        files = (settings.tls.ca_file, settings.tls.certificate_file, settings.tls.private_key_file)
        wanted |= {file.parent for file in files if file is not None}
    return tuple(sorted({path.resolve() for path in wanted}))


def barriers(account: Account, directories: Iterable[Path]) -> dict[Path, list[Path]]:
    """Closed folder -> the needed folders below it that the account cannot reach because of it."""
    found: dict[Path, list[Path]] = defaultdict(list)
    for directory in directories:
        barrier = account.barrier_before(directory)
        if barrier is not None:
            found[barrier].append(directory)
    return dict(found)


def launch_script(settings: AsteriskSettings, installation: Installation, account: Account) -> str:
    """A sh script that becomes Asterisk (same pid). Blocking, a few milliseconds.

    Raises SetupError when the account cannot reach what it needs.
    """
    closed = {} if account.is_me else barriers(account, needed_dirs(settings, installation))
    asterisk = [*installation.command, "-f", "-C", str(settings.etc_dir / "asterisk.conf")]
    if not account.is_me:
        drop = ["setpriv", f"--reuid={account.uid}", f"--regid={account.gid}", "--init-groups", "--inh-caps=-all"]
        asterisk = [*drop, "--no-new-privs", *asterisk]
    lines = ["set -eu", "umask 0022", "ulimit -n 65536 2>/dev/null || ulimit -n $(ulimit -H -n)"]
    for barrier, directories in closed.items():
        lines += _cover(barrier, directories, settings.run_dir / "cover")
    script = "\n".join([*lines, "cd /", "umask 0027", f"exec {shlex.join(asterisk)}"])
    if not closed:
        return script
    if not _namespaces_allowed():
        raise SetupError(_unreachable(account, closed))
    return f"exec unshare --mount --propagation private -- sh -c {shlex.quote(script)}"


def _namespaces_allowed() -> bool:
    try:
        return subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


def _unreachable(account: Account, closed: Iterable[Path]) -> str:
    """What to tell somebody whose machine allows no private mount namespace."""
    return (
        f"the account {account.name!r} cannot enter {', '.join(map(str, closed))}, and this machine allows no private "
        "mount namespace: set XDG_CACHE_HOME and Timbre's var folder to places that everybody can enter"
    )


def _cover(barrier: Path, directories: Iterable[Path], stage: Path) -> list[str]:
    """Shell lines that put a nearly empty folder over `barrier`, keeping `directories` where they are."""
    lines = [f"mkdir -p {shlex.quote(str(stage))}"]
    lines.append(f"mount -t tmpfs -o mode=0755,size=1m tmpfs {shlex.quote(str(stage))}")
    for directory in directories:
        inside = shlex.quote(str(stage / directory.relative_to(barrier)))
        lines += [f"mkdir -p {inside}", f"mount --bind {shlex.quote(str(directory))} {inside}"]
    lines.append(f"mount --move {shlex.quote(str(stage))} {shlex.quote(str(barrier))}")
    return lines
