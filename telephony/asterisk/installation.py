"""An Asterisk that is on this machine: how to run it and where its modules and sounds are."""

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from telephony.errors import SetupError

# External media over AudioSocket with slin, REST over the event WebSocket: both came with these.
OLDEST_BY_MAJOR = {20: (20, 16, 0), 22: (22, 6, 0)}
_SYSTEM_BINARY = Path("/usr/sbin/asterisk")


@dataclass(frozen=True, slots=True)
class Installation:
    """How to run one Asterisk. command: what comes before Asterisk's own arguments. root: of a private one."""

    command: tuple[str, ...]
    version: tuple[int, int, int]
    module_dir: Path
    data_dir: Path
    root: Path | None = None

    @property
    def version_text(self) -> str:
        """The version as people write it."""
        return ".".join(map(str, self.version))

    @property
    def sounds_dir(self) -> Path:
        """Folder of prompts, one folder per language."""
        return self.data_dir / "sounds"

    @property
    def environment(self) -> dict[str, str]:
        """Environment for the process: a private one brings its own OpenSSL, which must not read the machine's."""
        kept = {key: os.environ[key] for key in ("PATH", "TZ") if key in os.environ}
        if self.root is not None:
            kept |= {"OPENSSL_CONF": str(self.root / "etc/ssl/openssl.cnf")}
        return kept | {"LANG": "C.UTF-8"}


def parse_version(text: str) -> tuple[int, int, int]:
    """The version out of `asterisk -V`. Raises SetupError when there is none."""
    found = re.search(r"Asterisk (?:certified[/-])?(\d+)\.(\d+)(?:\.(\d+))?", text)
    if not found:
        raise SetupError(f"this is not Asterisk's version: {text.strip()[:80]!r}")
    return int(found[1]), int(found[2]), int(found[3] or 0)


def new_enough(version: tuple[int, int, int]) -> bool:
    """20.16, 22.6 or later; 21 and the first releases of a line lack what the controller needs."""
    oldest = OLDEST_BY_MAJOR.get(version[0])
    return version >= oldest if oldest else version[0] > max(OLDEST_BY_MAJOR)


def version_of(command: tuple[str, ...]) -> tuple[int, int, int]:
    """Ask an Asterisk for its version. Raises SetupError when it does not run."""
    try:
        done = subprocess.run([*command, "-V"], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SetupError(f"{command[-1]} does not run: {error}") from error
    return parse_version(done.stdout or done.stderr)


def system_installation() -> Installation | None:
    """The machine's own Asterisk, when there is one and it is new enough."""
    if not _SYSTEM_BINARY.exists():
        return None
    version = version_of((str(_SYSTEM_BINARY),))
    modules = [*Path("/usr/lib").glob("*-linux-*/asterisk/modules"), Path("/usr/lib/asterisk/modules")]
    data = [Path("/usr/share/asterisk"), Path("/var/lib/asterisk")]
    module_dir = next((path for path in modules if (path / "res_ari.so").exists()), None)
    data_dir = next((path for path in data if (path / "sounds").is_dir()), None)
    if not new_enough(version) or module_dir is None or data_dir is None:
        return None
    return Installation((str(_SYSTEM_BINARY),), version, module_dir, data_dir)


def private_installation(root: Path) -> Installation:
    """The Asterisk unpacked at `root`, run by the root's own loader with its own libraries: no chroot, no privilege.

    Paths mean the same inside and outside. Raises SetupError when the root is not whole.
    """
    loader = root / "asterisk"
    libraries = next(iter(root.glob("usr/lib/*-linux-*")), None)
    if libraries is None or not loader.exists():
        raise SetupError(f"{root} holds no Asterisk: remove it and run `timbre asterisk install`")
    command = (str(loader), "--library-path", str(libraries), str(root / "usr/sbin/asterisk"))
    return Installation(
        command, version_of(command), libraries / "asterisk/modules", root / "usr/share/asterisk", root.resolve()
    )
