"""What one Asterisk instance is: its place, its ports, who may call through it. Pure data; `render` writes it down."""

import re
from dataclasses import dataclass, field
from pathlib import Path

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}\Z")
_DIRECTORY_FORBIDDEN = re.compile(r"[\s;\"'\\,]")


class AsteriskSettingsError(ValueError):
    """A setting that Asterisk would misread; the message names it."""


def _checked_text(owner: str, **values: str) -> None:
    """Refuse what Asterisk's files cannot hold on one line; semicolons are escaped by the renderer."""
    for key, value in values.items():
        if any(mark in value for mark in "\r\n\0\\"):
            raise AsteriskSettingsError(f"{owner}: {key} must not hold line breaks, NUL or backslashes")
        if value != value.strip() or value.startswith((">", "=")):
            raise AsteriskSettingsError(f"{owner}: {key} must not begin with > or =, nor begin or end with a blank")


def _checked_port(owner: str, port: int) -> None:
    if not 1 <= port <= 65535:
        raise AsteriskSettingsError(f"{owner}: {port} is no port, use 1 to 65535")


@dataclass(frozen=True, slots=True)
class PortRange:
    """UDP ports `first` to `last`, both included. RTP takes an even and the next odd port per call leg."""

    first: int
    last: int

    def __post_init__(self) -> None:
        """Refuse an empty range."""
        _checked_port("port range", self.first)
        _checked_port("port range", self.last)
        if self.last < self.first + 1:
            raise AsteriskSettingsError(f"port range {self.first}-{self.last} holds no pair of ports")

    def halves(self) -> tuple["PortRange", "PortRange"]:
        """The range in two parts that share no pair of ports; one that is too small for that is both of them."""
        second = self.first + (self.last + 1 - self.first) // 4 * 2
        if second <= self.first or self.last <= second:
            return self, self
        return PortRange(self.first, second - 1), PortRange(second, self.last)


@dataclass(frozen=True, slots=True)
class AgentEndpoint:
    """Somebody who registers with name and password. browser: WebRTC over the ws transport instead of UDP.

    rtp_timeout_s: a leg that sends no audio for so long is hung up (its far end died without a BYE).
    """

    name: str
    secret: str = field(repr=False)
    display_name: str = ""
    browser: bool = False
    codecs: tuple[str, ...] = ("alaw", "ulaw")
    rtp_timeout_s: int = 8

    def __post_init__(self) -> None:
        """Refuse names and secrets that Asterisk's files cannot hold."""
        owner = f"agent {self.name!r}"
        if not _NAME.match(self.name):
            raise AsteriskSettingsError(f"{owner}: name must be letters, digits, dot, dash, underscore, at most 40")
        _checked_text(owner, secret=self.secret, display_name=self.display_name, codecs=",".join(self.codecs))
        if not self.secret:
            raise AsteriskSettingsError(f"{owner}: an agent without secret could be anybody")
        if '"' in self.display_name:
            raise AsteriskSettingsError(f"{owner}: display_name must not hold double quotes")


@dataclass(frozen=True, slots=True)
class Trunk:
    """A way into the telephone network. Dialled as "PJSIP/NUMBER@name".

    transport: "udp", "tcp" or "tls". match: addresses (or networks) that calls of this carrier come from.
    username/secret: digest account, empty for a trunk known by its address. registers: tell the carrier where we are.
    p_asserted_identity: send the caller's number in P-Asserted-Identity too. qualify_s: OPTIONS interval, 0 for none.
    """

    name: str
    host: str
    port: int = 5060
    transport: str = "udp"
    match: tuple[str, ...] = ()
    username: str = ""
    secret: str = field(default="", repr=False)
    registers: bool = False
    codecs: tuple[str, ...] = ("alaw", "ulaw")
    srtp: bool = False
    from_user: str = ""
    from_domain: str = ""
    outbound_proxy: str = ""
    p_asserted_identity: bool = True
    qualify_s: int = 30
    context: str = "from-trunk"

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        owner = f"trunk {self.name!r}"
        if not _NAME.match(self.name):
            raise AsteriskSettingsError(f"{owner}: name must be letters, digits, dot, dash, underscore, at most 40")
        if self.transport not in ("udp", "tcp", "tls"):
            raise AsteriskSettingsError(f"{owner}: transport {self.transport!r} is not udp, tcp or tls")
        if self.registers and not self.username:
            raise AsteriskSettingsError(f"{owner}: registers needs username and secret")
        if self.srtp and self.transport != "tls":
            raise AsteriskSettingsError(f"{owner}: srtp sends its keys in SIP, so it needs transport tls")
        _checked_port(owner, self.port)
        texts = ("host", "username", "secret", "from_user", "from_domain", "outbound_proxy", "context")
        _checked_text(owner, **{key: getattr(self, key) for key in texts})
        _checked_text(owner, codecs=",".join(self.codecs), match=",".join(self.match))

    @property
    def contact_uri(self) -> str:
        """Where the carrier is, as a SIP URI."""
        return f"sip:{self.host}:{self.port}" + ("" if self.transport == "udp" else f";transport={self.transport}")

    @property
    def account_uri(self) -> str:
        """Who we are at the carrier, as a SIP URI."""
        return f"sip:{self.username}@{self.from_domain or self.host}"


@dataclass(frozen=True, slots=True)
class TlsTransport:
    """SIP over TLS. ca_file: what carriers' certificates are checked against; certificate: ours, if they want one."""

    port: int = 5061
    ca_file: Path = Path("/etc/ssl/certs/ca-certificates.crt")
    certificate_file: Path | None = None
    private_key_file: Path | None = None
    verify_server: bool = True


@dataclass(frozen=True, slots=True)
class AsteriskSettings:
    """One instance. Everything it owns lies under `directory` (absolute), valid inside Asterisk and outside.

    user: the system account it runs as when it is started by root (else it runs as whoever starts it).
    control_host: where ARI and AMI listen. sip_host: where SIP listens. readable_dirs: folders outside of `directory`
    that Asterisk reads (prompts) and writable_dirs: folders that it writes to (recordings); made when missing.
    extra_pjsip, extra_dialplan: text added at the end of pjsip.conf and extensions.conf. extra_modules: without ".so".
    """

    directory: Path
    name: str = "dialer"
    http_port: int = 8088
    ami_port: int = 5038
    sip_port: int = 5060
    rtp_ports: PortRange = PortRange(10_000, 14_999)
    control_host: str = "127.0.0.1"
    sip_host: str = "127.0.0.1"
    external_address: str = ""
    local_networks: tuple[str, ...] = ()
    websocket: bool = False
    tls: TlsTransport | None = None
    user: str = "asterisk"
    stasis_app: str = "timbre"
    language: str = "en"
    country: str = "es"
    agents: tuple[AgentEndpoint, ...] = ()
    trunks: tuple[Trunk, ...] = ()
    readable_dirs: tuple[Path, ...] = ()
    writable_dirs: tuple[Path, ...] = ()
    extra_pjsip: str = ""
    extra_dialplan: str = ""
    extra_modules: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse settings that would start a broken or an open instance."""
        owner = f"Asterisk {self.name!r}"
        if not _NAME.match(self.name):
            raise AsteriskSettingsError(f"{owner}: name must be letters, digits, dot, dash, underscore, at most 40")
        for path in (self.directory, *self.readable_dirs, *self.writable_dirs):
            if not path.is_absolute() or _DIRECTORY_FORBIDDEN.search(str(path)):
                raise AsteriskSettingsError(
                    f"{owner}: {str(path)!r} must be absolute, without spaces, quotes or ; , \\"
                )
        for port in (self.http_port, self.ami_port, self.sip_port):
            _checked_port(owner, port)
        if any(trunk.transport == "tls" for trunk in self.trunks) and self.tls is None:
            raise AsteriskSettingsError(f"{owner}: a trunk uses tls, so the settings need tls=TlsTransport(...)")
        self._refuse_twins(owner)

    def _refuse_twins(self, owner: str) -> None:
        seen: set[str] = set()
        for name in (*(agent.name for agent in self.agents), *(trunk.name for trunk in self.trunks)):
            if name in seen or name in ("udp", "tcp", "tls", "ws", "global", "system"):
                raise AsteriskSettingsError(f"{owner}: {name!r} is taken, every agent and trunk needs its own name")
            seen.add(name)

    @property
    def needs_tcp(self) -> bool:
        """A trunk wants SIP over TCP."""
        return any(trunk.transport == "tcp" for trunk in self.trunks)

    @property
    def etc_dir(self) -> Path:
        """Rendered configuration."""
        return self.directory / "etc"

    @property
    def lib_dir(self) -> Path:
        """The astdb and keys."""
        return self.directory / "lib"

    @property
    def spool_dir(self) -> Path:
        """Asterisk's own spool; MixMonitor's relative paths land in its "monitor"."""
        return self.directory / "spool"

    @property
    def run_dir(self) -> Path:
        """Control socket. A socket's path holds 107 bytes at most."""
        return self.directory / "run"

    @property
    def log_dir(self) -> Path:
        """Asterisk's messages.log."""
        return self.directory / "log"

    @property
    def console_log(self) -> Path:
        """What the process printed, in a folder that it cannot write to itself."""
        return self.directory / "console.log"

    @property
    def recordings_dir(self) -> Path:
        """A folder that Asterisk writes to and the server reads, under the same path for both."""
        return self.directory / "recordings"

    @property
    def credentials_file(self) -> Path:
        """The instance's generated secrets, readable by its owner alone."""
        return self.directory / "credentials.json"
