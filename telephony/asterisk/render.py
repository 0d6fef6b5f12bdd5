"""Settings into Asterisk's configuration files. Only the instance's account can read them: they hold secrets."""

import functools
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import jinja2

from telephony.asterisk.account import Account
from telephony.asterisk.credentials import Credentials
from telephony.asterisk.installation import Installation
from telephony.asterisk.modules import modules_for
from telephony.asterisk.settings import AsteriskSettings
from telephony.errors import SetupError

_DIRECTORY_MODE = 0o750
_FILE_MODE = 0o640


def template_dir() -> Path:
    """Where the templates are: beside the packages in a checkout, inside this package in a wheel."""
    here = Path(__file__).parent
    for candidate in (here / "conf", here.parents[1] / "asterisk-conf"):
        if (candidate / "asterisk.conf.j2").is_file():
            return candidate
    raise SetupError("the templates of asterisk-conf are missing: install timbre-dialer again")


@functools.cache
def _environment(templates: Path) -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(templates),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,  # configuration files, not HTML; settings refuse what could break a line
    )
    environment.filters["value"] = _escaped
    return environment


def render(settings: AsteriskSettings, credentials: Credentials, installation: Installation) -> Mapping[str, str]:
    """File name -> text of every configuration file. Pure but for reading the templates."""
    environment = _environment(template_dir())
    values = {
        "s": settings,
        "credentials": credentials,
        "modules": modules_for(settings),
        "module_dir": installation.module_dir,
        "data_dir": installation.data_dir,
        "moh_dir": installation.data_dir / "moh",
    }
    names = environment.list_templates(filter_func=lambda name: name.endswith(".conf.j2") and "/" not in name)
    return {name.removesuffix(".j2"): environment.get_template(name).render(values) for name in names}


def _escaped(value: str) -> str:
    """A semicolon begins a comment unless it is escaped."""
    return value.replace(";", "\\;")


def write(settings: AsteriskSettings, files: Mapping[str, str], account: Account) -> None:
    """Write the files and make the instance's folders, each with the owner it needs."""
    _make_directory(settings.directory, account, writable=False)
    _make_directory(settings.etc_dir, account, writable=False)
    for name in ("lib", "spool", "run", "log", "recordings"):
        _make_directory(settings.directory / name, account, writable=True)
    for path in (settings.lib_dir / "keys", settings.spool_dir / "monitor", settings.spool_dir / "recording"):
        _make_directory(path, account, writable=True)
    for path in settings.readable_dirs:
        if not path.exists():
            path.mkdir(parents=True)
            path.chmod(0o755)  # whatever the umask: Asterisk reads it as another user
    for path in settings.writable_dirs:
        _make_directory(path, account, writable=True)
    for name, text in files.items():
        _write_private(settings.etc_dir / name, text, account)


def _make_directory(path: Path, account: Account, *, writable: bool) -> None:
    """Root keeps what Asterisk only reads; what it writes is its own."""
    path.mkdir(parents=True, exist_ok=True)
    if os.geteuid() == 0:
        os.chown(path, account.uid if writable else 0, account.gid, follow_symlinks=False)
    path.chmod(_DIRECTORY_MODE)


def _write_private(path: Path, text: str, account: Account) -> None:
    scratch = path.with_name(f".{path.name}.new")
    with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    if os.geteuid() == 0:
        shutil.chown(scratch, 0, account.gid)
        scratch.chmod(_FILE_MODE)
    scratch.replace(path)
