"""Get an Asterisk: the machine's own when it is new enough, else a private one unpacked from Debian packages.

The private one needs no chroot and no privilege to run: its own loader and libraries start it (installation.py).
"""

import fcntl
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from telephony.asterisk.cache import cache_dir
from telephony.asterisk.installation import Installation, new_enough, private_installation, system_installation
from telephony.errors import SetupError

SUITE = "forky"  # the Debian release that has Asterisk 22
PACKAGES = (
    "asterisk",
    "asterisk-core-sounds-en-wav",
    "asterisk-core-sounds-es-wav",
    "asterisk-moh-opsound-wav",
)
_LAYOUT = "1"  # count up when what unpacking does changes
_EXPIRED = "is expired"
_UNWANTED = ("./dev", "./proc", "./sys", "./usr/share/doc", "./usr/share/man", "./usr/share/locale", "./usr/include")
_LANGUAGES = {"en": "en_US_f_Allison", "es": "es_MX_f_Allison"}

Say = Callable[[str], None]


def private_root() -> Path:
    """Where this version's private Asterisk belongs; it may not be there yet."""
    recipe = "\n".join((SUITE, _LAYOUT, platform.machine(), *PACKAGES))
    return cache_dir() / f"asterisk-22-{SUITE}-{hashlib.sha256(recipe.encode()).hexdigest()[:10]}"


def find() -> Installation | None:
    """The Asterisk to use, when one is installed: a private one first, for it is the one we have tried."""
    root = private_root()
    return private_installation(root) if root.is_dir() else system_installation()


def require() -> Installation:
    """The Asterisk to use. Raises SetupError when there is none."""
    installation = find()
    if installation is None:
        raise SetupError("there is no Asterisk 22 (22.6 or later) here: run `timbre asterisk install`")
    return installation


def install(say: Say) -> Installation:
    """Make sure that there is an Asterisk. Blocking, up to a minute or so; safe in two checkouts at once.

    Raises SetupError with what is missing and how to get it.
    """
    found = find()
    if found is not None:
        return found
    root = private_root()
    root.parent.mkdir(parents=True, exist_ok=True)
    with _locked(root.with_name(f"{root.name}.lock"), say):
        if not root.is_dir():
            _unpack(root, say)
    return private_installation(root)


@contextmanager
def _locked(path: Path, say: Say) -> Iterator[None]:
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another checkout is installing Asterisk, waiting for it")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _unpack(root: Path, say: Say) -> None:
    """Download and unpack beside `root`, then rename: a run that is killed leaves no half Asterisk."""
    if shutil.which("mmdebstrap") is None:
        raise SetupError("mmdebstrap is missing: as root, `apt-get install mmdebstrap`, then try again")
    for stale in root.parent.glob(f"{root.name}.tmp-*"):
        shutil.rmtree(stale, ignore_errors=True)  # we hold the lock: whoever made it is dead
    scratch = Path(tempfile.mkdtemp(prefix=f"{root.name}.tmp-", dir=root.parent))
    try:
        archive = scratch / "packages.tar"
        say(f"downloading Asterisk 22 with its sounds (Debian {SUITE}), about 30 s")
        _download(archive, say)
        unpacked = scratch / "root"
        _extract(archive, unpacked)
        _finish(unpacked)
        installation = private_installation(unpacked)
        if not new_enough(installation.version):
            raise SetupError(f"Debian {SUITE} has Asterisk {installation.version_text}, too old: 22.6 is needed")
        unpacked.rename(root)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    say(f"Asterisk {installation.version_text} is in {root}")


def _download(archive: Path, say: Say) -> None:
    done = _mmdebstrap(archive)
    if done.returncode != 0 and _EXPIRED in done.stderr:
        say("warning: the mirror's package list is past its date; going on without that check (signatures still count)")
        done = _mmdebstrap(archive, '--aptopt=Acquire::Check-Valid-Until "false"')
    if done.returncode != 0:
        errors = [line for line in done.stderr.splitlines() if line.startswith(("E:", "Err:"))] or [done.stderr]
        raise SetupError("mmdebstrap could not get Asterisk:\n  " + "\n  ".join(errors[-6:]))


def _mmdebstrap(archive: Path, *options: str) -> subprocess.CompletedProcess[str]:
    # Packages are only unpacked, none of their scripts runs: that needs no privilege, whatever the machine allows.
    mode = "auto" if os.geteuid() == 0 else "chrootless"
    command = [
        "mmdebstrap",
        f"--mode={mode}",
        "--variant=extract",
        '--aptopt=APT::Install-Recommends "false"',
        *options,
    ]
    wanted = [f"--include={','.join(PACKAGES)}", SUITE, str(archive)]
    return subprocess.run([*command, *wanted], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)


def _extract(archive: Path, root: Path) -> None:
    root.mkdir()
    root.chmod(0o755)  # whatever the umask
    excluded = [f"--exclude={path}" for path in _UNWANTED]
    command = ["tar", "-C", str(root), "-xpf", str(archive), "--no-same-owner", *excluded]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    archive.unlink()
    if done.returncode != 0:
        raise SetupError(f"cannot unpack Asterisk into {root}: {done.stderr.strip()[-500:]}")


def _finish(root: Path) -> None:
    """Links that the packages' scripts would have made: the loader under Asterisk's name, a folder per language."""
    loader = next(iter(sorted(root.glob("usr/lib/*-linux-*/ld-linux*"))), None)
    if loader is None:
        raise SetupError("the unpacked packages hold no loader: is this machine's architecture amd64 or arm64?")
    # ps and top show the name of the file that was executed.
    (root / "asterisk").symlink_to(loader.relative_to(root))
    for language, voice in _LANGUAGES.items():
        link = root / "usr/share/asterisk/sounds" / language
        link.unlink(missing_ok=True)
        link.symlink_to(voice)


def main(arguments: list[str]) -> int:
    """`python -m telephony.asterisk.install [--check]`, for tools/setup.sh: it runs before the command line exists."""
    try:
        if arguments == ["--check"]:
            require()
        else:
            install(lambda line: print(f"asterisk: {line}", flush=True))
    except SetupError as error:
        print(f"asterisk: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:  # what was half unpacked is gone already
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
