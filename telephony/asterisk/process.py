"""One running Asterisk: start, stop, ask. It outlives the server on purpose: calls that are up stay up."""

import asyncio
import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import aiohttp

from telephony.asterisk import listeners, ports, render
from telephony.asterisk.account import Account, account_for
from telephony.asterisk.changes import reload_commands
from telephony.asterisk.credentials import Credentials, load_or_create
from telephony.asterisk.installation import Installation
from telephony.asterisk.launch import launch_script
from telephony.asterisk.orphan import kill_group, start_orphan
from telephony.asterisk.pidfile import PidFile, ended
from telephony.asterisk.settings import AsteriskSettings
from telephony.errors import LinkDown, SetupError

_BOOT_TIMEOUT_S = 30.0
_STOP_TIMEOUT_S = 20.0
_POLL_S = 0.02
_LOG_TAIL_LINES = 25
_NOT_OURS = "{} belongs to another user ({}): do this as that user or as root, or choose another var folder"


class StartFailed(SetupError):
    """Asterisk did not come up; the message holds the end of its log."""


@dataclass(frozen=True, slots=True)
class InstanceStatus:
    """What is known of an instance. pid: None when it does not run. booted: ARI answers."""

    name: str
    pid: int | None
    booted: bool
    version: str
    directory: Path


class AsteriskInstance:
    """One instance on this machine. Any object with the same settings may ask and stop what another one started."""

    def __init__(self, settings: AsteriskSettings, installation: Installation) -> None:
        """Nothing happens before `start`."""
        self.settings = settings
        self.installation = installation
        self._pid_file = PidFile(settings.directory / "instance.pid")
        self._second_half = settings.directory / "rtp-second-half"

    @property
    def credentials(self) -> Credentials:
        """The instance's secrets; made when they are asked for first."""
        return load_or_create(self.settings.credentials_file)

    @property
    def ari_url(self) -> str:
        """Base of ARI's REST resources."""
        return f"http://{self.settings.control_host}:{self.settings.http_port}/ari"

    @property
    def pid(self) -> int | None:
        """The process, or None when it does not run. Raises SetupError when the instance is somebody else's."""
        try:
            return self._pid_file.read()
        except PermissionError as error:
            raise SetupError(_NOT_OURS.format(self.settings.directory, error.filename)) from error

    def prepare(self) -> Account:
        """Write the configuration and make the folders; returns the account that the instance runs as. Blocking."""
        account = account_for(self.settings.user)
        try:
            self._leave_ports_of_lost_calls()
            render.write(self.settings, self._render(), account)
        except PermissionError as error:
            raise SetupError(_NOT_OURS.format(self.settings.directory, error.filename)) from error
        if len(os.fsencode(self.settings.run_dir / "asterisk.ctl")) > 107:
            raise SetupError(
                f"{self.settings.run_dir} is too long for a socket: choose a shorter folder for the instance"
            )
        return account

    async def start(self) -> None:
        """Bring it up and wait until ARI answers. One that runs already learns of changed agents, trunks and dialplan.

        Raises SetupError when it runs with settings that only a new start could change, PortInUse before anything is
        started, StartFailed with the end of the log.
        """
        if self.pid is not None:
            await self._bring_up_to_date()
            return
        await self._pid_file.gone(_STOP_TIMEOUT_S)
        ports.require_free(self.settings)
        account = await asyncio.to_thread(self.prepare)
        script = await asyncio.to_thread(launch_script, self.settings, self.installation, account)
        log_began = self._log.stat().st_size if self._log.exists() else 0
        spawning = asyncio.create_task(self._spawn(script), name=f"start of Asterisk {self.settings.name}")
        try:
            await asyncio.shield(spawning)
            await self._wait_booted(log_began)
        except BaseException:  # whoever waits no longer must not leave a half-started instance behind
            await spawning
            await self.kill()
            raise

    async def _bring_up_to_date(self) -> None:
        files = await asyncio.to_thread(self._render)
        commands = await asyncio.to_thread(reload_commands, self.settings.etc_dir, files)
        await self._wait_booted(self._log.stat().st_size if self._log.exists() else 0)
        if commands:
            await asyncio.to_thread(self.prepare)
        for command in commands:
            await self.rx(command)

    def _render(self) -> Mapping[str, str]:
        half = self.settings.rtp_ports.halves()[self._second_half.exists()]
        return render.render(replace(self.settings, rtp_ports=half), self.credentials, self.installation)

    def _leave_ports_of_lost_calls(self) -> None:
        """After a crash, take the other half of the RTP ports: the lost calls' far ends got no BYE and go on talking.

        Asterisk locks on to whoever speaks first on a port, and the new call there would be deaf.
        """
        if not self._pid_file.died():
            return
        if self._second_half.exists():
            self._second_half.unlink()
        else:
            self._second_half.touch()
        self._pid_file.remove()

    async def _spawn(self, script: str) -> None:
        """Start the process and remember it."""
        self._pid_file.write(await start_orphan(script, self.settings.console_log, self.installation.environment))

    async def _wait_booted(self, log_began: int = 0) -> None:
        """log_began: how long the log was when this start began."""
        try:
            async with asyncio.timeout(_BOOT_TIMEOUT_S):
                while not await self.is_booted():
                    if self.pid is None:
                        raise StartFailed(f"Asterisk {self.settings.name!r} ended while starting:\n{self.log_tail()}")
                    if taken := listeners.not_bound(self._log_since(log_began)):
                        raise self._without_port(taken)
                    await asyncio.sleep(_POLL_S)
        except TimeoutError as error:
            message = f"Asterisk {self.settings.name!r} did not answer on {self.ari_url} in {_BOOT_TIMEOUT_S:.0f} s"
            raise StartFailed(f"{message}:\n{self.log_tail()}") from error
        if taken := await listeners.missing(self.settings, self.credentials):
            raise self._without_port(taken)

    def _without_port(self, taken: str) -> StartFailed:
        """Asterisk itself goes on without a port that somebody took while it started, and nothing would reach it."""
        mine = self.settings
        return StartFailed(
            f"Asterisk {mine.name!r} runs without one of its ports: {taken}. Another program took it while it started: "
            f"stop that program, or set another one (asterisk.http_port {mine.http_port}, ami_port {mine.ami_port}, "
            f"sip_port {mine.sip_port}):\n{self.log_tail()}"
        )

    async def is_booted(self) -> bool:
        """Whether ARI answers: it says 503 until Asterisk is fully booted. Raises StartFailed on a wrong secret."""
        credentials = self.credentials
        login = {"Authorization": aiohttp.encode_basic_auth(credentials.ari_user, credentials.ari_password)}
        try:
            async with (
                aiohttp.ClientSession(headers=login, timeout=aiohttp.ClientTimeout(total=2)) as session,
                session.get(f"{self.ari_url}/asterisk/ping") as answer,
            ):
                status = answer.status
        except (aiohttp.ClientError, TimeoutError):
            return False
        if status in (401, 403):
            raise StartFailed(f"{self.ari_url} refuses our secret: another Asterisk listens there; change http_port")
        return status == 200

    async def status(self) -> InstanceStatus:
        """What the instance does now."""
        pid = self.pid
        booted = pid is not None and await self.is_booted()
        return InstanceStatus(self.settings.name, pid, booted, self.installation.version_text, self.settings.directory)

    async def stop(self) -> None:
        """End it: TERM (calls get their BYE), KILL after 20 s. One that does not run is a success."""
        pid = self.pid
        if pid is None:
            return
        try:
            os.kill(pid, signal.SIGTERM)
        except PermissionError as error:
            raise SetupError(_NOT_OURS.format(self.settings.directory, f"process {pid}")) from error
        if not await ended(pid, _STOP_TIMEOUT_S):
            await self.kill()
        self._pid_file.remove()

    async def kill(self) -> None:
        """KILL at once, as a crash would: far ends get no BYE. Returns when the process and its helpers are gone."""
        pid = self.pid
        if pid is not None:
            await kill_group(pid, _STOP_TIMEOUT_S)

    async def rx(self, command: str) -> str:
        """Run one command of Asterisk's command line and return what it prints. Raises LinkDown when nobody answers."""
        config = str(self.settings.etc_dir / "asterisk.conf")
        asking = await asyncio.create_subprocess_exec(
            *(*self.installation.command, "-C", config, "-rx", command),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=self.installation.environment,
        )
        output, _ = await asking.communicate()
        if asking.returncode != 0:
            raise LinkDown(
                f"Asterisk {self.settings.name!r} does not answer: {output.decode(errors='replace').strip()}"
            )
        return output.decode(errors="replace")

    @property
    def _log(self) -> Path:
        return self.settings.log_dir / "messages.log"

    def _log_since(self, began: int) -> str:
        if not self._log.exists():
            return ""
        with self._log.open("rb") as log:
            log.seek(began)
            return log.read().decode(errors="replace")

    def log_tail(self) -> str:
        """The last lines of what it logged and printed, for an error message. Blocking, small files."""
        lines: list[str] = []
        for path in (self._log, self.settings.console_log):
            if path.exists():
                lines += path.read_text(errors="replace").splitlines()[-_LOG_TAIL_LINES:]
        return "\n".join(f"  {line}" for line in lines) or "  (it logged nothing)"
