"""`timbre doctor`: what is missing on this machine, and how to get it."""

import importlib.util
import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import typer
from redis import Redis
from redis.exceptions import RedisError

from media.speech.tts import SpeechFailed, load_engine
from server.access import access
from server.commands.console import ConfigOption, console, settings_of
from server.flow_check import flow_problems
from server.run import asterisk_of
from server.settings import Settings, SettingsError
from storage.errors import StorageError
from storage.sql.engine import make_engine
from storage.sql.migrate import upgrade
from telephony.asterisk import install
from telephony.asterisk.ports import is_free
from telephony.asterisk.settings import AsteriskSettingsError
from telephony.errors import TelephonyError

_MIN_FREE_MB = 1000


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. mend: what to do when it is not fine."""

    what: str
    fine: bool
    mend: str = ""


def doctor(config: ConfigOption = None) -> None:
    """Look at everything a node needs, say what is missing and how to get it. Exit status 1 when something is."""
    settings = settings_of(config)
    findings = list(_look(settings))
    for finding in findings:
        mark = "[green]ok     [/green]" if finding.fine else "[red]missing[/red]"
        console.print(f"{mark} {finding.what}", highlight=False)
        if not finding.fine:
            console.print(f"        {finding.mend}", style="yellow", highlight=False, markup=False, soft_wrap=True)
    if not all(finding.fine for finding in findings):
        raise typer.Exit(1)


def _look(settings: Settings) -> Iterator[Finding]:
    yield Finding(f"Python {sys.version.split()[0]}", sys.version_info >= (3, 11), "use Python 3.11 or newer")
    yield _asterisk()
    yield _redis(settings)
    var = _var(settings)
    yield var
    yield from _ports(settings)
    if var.fine:
        yield _database(settings)
        yield _disk(settings)
        yield _secrets(settings)
    yield _trunks(settings)
    yield from _flows(settings)
    robots = importlib.util.find_spec("pjsua2") is not None
    yield Finding("softphone robots (only for the demo and tests)", robots, "pip install 'timbre-dialer[softphone]'")


def _asterisk() -> Finding:
    found = install.find()
    what = f"Asterisk {found.version_text}" if found else "Asterisk 20.16, 22.6 or newer"
    return Finding(what, found is not None, "run `timbre asterisk install` (or `make setup`)")


def _redis(settings: Settings) -> Finding:
    if not settings.redis.url:
        program = shutil.which("redis-server")
        return Finding("redis-server", program is not None, "run `make setup`, or set redis.url to a Redis of yours")
    try:
        with Redis.from_url(settings.redis.url, socket_connect_timeout=2, socket_timeout=2) as redis:
            redis.exists("timbre:ping")
    except (RedisError, ValueError) as error:
        return Finding("the Redis of redis.url", False, f"{error}: start it, or mend redis.url")
    return Finding("the Redis of redis.url", True)


def _var(settings: Settings) -> Finding:
    """The folder that everything else is kept in."""
    folder = settings.var_dir
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        return Finding(f"var folder {folder}", False, f"{error.strerror}: set var to a folder that can be written")
    return Finding(f"var folder {folder}", True)


def _database(settings: Settings) -> Finding:
    kind = settings.database_url.partition(":")[0].partition("+")[0]
    try:
        engine = make_engine(settings.database_url)
        upgrade(engine)
        engine.dispose()
    except StorageError as error:
        return Finding(f"database ({kind})", False, str(error))
    return Finding(f"database ({kind})", True)


def _ports(settings: Settings) -> Iterator[Finding]:
    part = settings.asterisk
    wanted = [("http.port", settings.http.port, socket.SOCK_STREAM, settings.http.host)]
    if part.managed and not _runs(settings):
        wanted += [
            ("asterisk.http_port", part.http_port, socket.SOCK_STREAM, "127.0.0.1"),
            ("asterisk.ami_port", part.ami_port, socket.SOCK_STREAM, "127.0.0.1"),
            ("asterisk.sip_port", part.sip_port, socket.SOCK_DGRAM, part.sip_host),
        ]
    for name, port, kind, host in wanted:
        free = is_free(port, kind, host)
        yield Finding(f"{name} {port}", free, f"another program has it: stop that, or set {name} to a free port")


def _runs(settings: Settings) -> bool:
    try:
        instance = asterisk_of(settings)
    except (TelephonyError, AsteriskSettingsError):
        return False
    return instance is not None and instance.pid is not None


def _disk(settings: Settings) -> Finding:
    free_mb = shutil.disk_usage(settings.var_dir).free // 1_000_000
    mend = f"{settings.var_dir} has {free_mb} MB free: recordings stop at {settings.media.min_free_mb} MB"
    return Finding(f"disk: {free_mb // 1000} GB free for recordings", free_mb >= _MIN_FREE_MB, mend)


def _secrets(settings: Settings) -> Finding:
    try:
        access(settings)
    except (TelephonyError, AsteriskSettingsError) as error:
        return Finding("secrets of the exchange", False, str(error))
    return Finding("secrets of the exchange", True)


def _trunks(settings: Settings) -> Finding:
    names = ", ".join(trunk.name for trunk in settings.trunks)
    mend = "add [[trunks]] to timbre.toml: asterisk-conf/trunk-examples has one for each kind of carrier"
    return Finding(f"trunks: {names}" if names else "a trunk", bool(names), mend)


def _voice(engine: str) -> Finding:
    if engine == "espeak-ng":
        there = shutil.which(engine) is not None
        return Finding("espeak-ng, the voice of menus", there, "run `make setup`, or apt-get install espeak-ng")
    try:
        load_engine(engine)
    except SpeechFailed as error:
        return Finding("the voice of menus", False, f"media.speech_engine: {error}")
    return Finding(f"{engine}, the voice of menus", True)


def _flows(settings: Settings) -> Iterator[Finding]:
    """Menus: their voice, and what each of them needs that the settings lack."""
    if not settings.lines and not settings.ivr.flows.is_dir():
        return
    yield _voice(settings.media.speech_engine)
    try:
        with tempfile.TemporaryDirectory() as scratch:
            problems = list(flow_problems(settings, Path(scratch)))
    except SettingsError as error:
        problems = str(error).splitlines()
    yield from (Finding("menus", False, problem) for problem in problems)
    if not problems:
        yield Finding(f"menus in {settings.ivr.flows}", True)
