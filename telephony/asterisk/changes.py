"""What a running instance needs so that changed settings count: nothing, a reload, or to be started anew."""

from collections.abc import Mapping
from pathlib import Path

from telephony.errors import SetupError

_RELOADS = {
    "pjsip.conf": "module reload res_pjsip.so",
    "extensions.conf": "dialplan reload",
    "musiconhold.conf": "moh reload",
}
_PARTIES_BEGIN = "; ----"  # pjsip.conf: transports come before the agents and trunks, and cannot be reloaded


def reload_commands(etc_dir: Path, files: Mapping[str, str]) -> tuple[str, ...]:
    """Commands that bring an instance, running with what is in `etc_dir`, to `files`. Blocking, small files.

    Raises SetupError when only a new start would do: that ends calls, so a person decides.
    """
    changed = [name for name, text in files.items() if _read(etc_dir / name) != text]
    fixed = [name for name in changed if name not in _RELOADS]
    if "pjsip.conf" in changed and _head(files["pjsip.conf"]) != _head(_read(etc_dir / "pjsip.conf")):
        fixed.append("pjsip.conf, its ports or transports")
    if fixed:
        raise SetupError(
            f"Asterisk runs with other settings ({'; '.join(fixed)}): stop it (`timbre asterisk stop`, calls end), "
            "then start it again"
        )
    return tuple(_RELOADS[name] for name in changed)


def _head(text: str) -> str:
    return text.partition(_PARTIES_BEGIN)[0]


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""
