"""Settings: `timbre.toml` in the working folder, overridden by TIMBRE_* variables (TIMBRE_HTTP__PORT=9000)."""

import os
import tomllib
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from ivr.hooks import Hook
from ivr.mail import Mail
from ivr.payments import PaymentProvider
from ivr.sources import Source
from server.settings_words import problems_in, unknown_variables

Port = Annotated[int, Field(ge=1, le=65535)]


class SettingsError(Exception):
    """The settings cannot be used; the message lists every problem with its field and how to mend it."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class HttpSettings(_Part):
    """Where API, metrics and desk listen. token: bearer token of the API; empty: generated at first start."""

    host: str = "127.0.0.1"
    port: Port = 8080
    token: str = Field(default="", repr=False)


class DatabaseSettings(_Part):
    """url: SQLAlchemy address ("postgresql+psycopg://user:password@host/timbre"); empty: SQLite in the var folder.

    durability (SQLite): what was acknowledged survives the end of any "process", or a loss of "power" too.
    """

    url: str = Field(default="", repr=False)
    durability: Literal["process", "power"] = "process"


class RedisSettings(_Part):
    """url: an existing Redis or Valkey; empty: Timbre starts one of its own on `port` of the loopback."""

    url: str = Field(default="", repr=False)
    port: Port = 6390


class AsteriskPart(_Part):
    """managed: Timbre renders the configuration and starts Asterisk itself; False: an Asterisk that you run.

    user, secret, ami_user, ami_secret: only for an Asterisk that you run; a managed one has generated ones.
    """

    managed: bool = True
    host: str = "127.0.0.1"
    http_port: Port = 8088
    ami_port: Port = 5038
    sip_host: str = "127.0.0.1"
    sip_port: Port = 5060
    rtp_first: Port = 10_000
    rtp_last: Port = 14_999
    external_address: str = ""
    country: str = "es"
    user: str = "timbre"
    secret: str = Field(default="", repr=False)
    ami_user: str = "timbre"
    ami_secret: str = Field(default="", repr=False)
    app: str = "timbre"


class MediaSettings(_Part):
    """audiosocket_*: where Asterisk sends tapped audio (0: any free port). recordings: folder; empty: in var.

    tap_slots: calls that AMD can listen to at once. prompts: your own sound files, looked up before the built-in ones.
    music: folder of music on hold, 8 kHz WAV that Asterisk can read; empty: var/sounds/music, else Asterisk's own.
    speech_engine: what is not recorded is spoken by it: "espeak-ng", a plugin's name, or its path "module:factory".
    """

    audiosocket_host: str = "127.0.0.1"
    audiosocket_port: Annotated[int, Field(ge=0, le=65535)] = 0
    recordings: str = ""
    tap_slots: Annotated[int, Field(ge=1, le=20_000)] = 512
    prompts: tuple[str, ...] = ()
    music: str = ""
    speech_engine: str = "espeak-ng"
    min_free_mb: Annotated[int, Field(ge=0)] = 200


class CollectPart(_Part):
    """Calls kept to learn AMD from (docs/amd.md). Off until you switch it on and write down why you may.

    legal_basis: why you may keep the sound of calls, in your words: it is personal data. share: of calls listened to.
    days, max_mb: what is older, and the oldest beyond that size, is deleted. audit_share: of the calls kept, drawn by
    lot for the estimate of people taken for machines. machine_codes: dispositions by which agents say "a machine".
    folder: empty: var/amd-calls. longest_s, after_verdict_s: of sound since the answer, and after the verdict.
    """

    enabled: bool = False
    legal_basis: str = ""
    share: Annotated[float, Field(gt=0, le=1)] = 1.0
    days: Annotated[float, Field(gt=0, le=365)] = 30.0
    max_mb: Annotated[float, Field(ge=1)] = 500.0
    audit_share: Annotated[float, Field(ge=0, le=1)] = 0.2
    machine_codes: tuple[str, ...] = ("machine", "answering_machine", "voicemail", "contestador", "buzon")
    folder: str = ""
    longest_s: Annotated[float, Field(gt=0, le=30)] = 8.0
    after_verdict_s: Annotated[float, Field(ge=0, le=10)] = 2.0

    @model_validator(mode="after")
    def _a_reason(self) -> Self:
        if self.enabled and len(self.legal_basis.strip()) < 10:
            raise ValueError(
                "keeping the sound of calls is processing of personal data: write in legal_basis why you may, for "
                "example the consent that your announcement asks for, or the assessment that you made and its date"
            )
        return self


class DriftPart(_Part):
    """When verdicts change (docs/amd.md): against the same hours of earlier days, by campaign and trunk.

    recent: verdicts of today that are compared; reference: that earlier days must hold first.
    """

    enabled: bool = True
    recent: Annotated[int, Field(ge=50)] = 200
    reference: Annotated[int, Field(ge=100)] = 500


class AmdPart(_Part):
    """Answering machine detection of the whole node."""

    collect: CollectPart = CollectPart()
    drift: DriftPart = DriftPart()


class TrunkPart(_Part):
    """One carrier. channels: calls at once; calls_per_s: rate the carrier accepts. endpoint: dial string of your own.

    The other fields describe it to a managed Asterisk: asterisk-conf/README.md has an example for each kind of carrier.
    """

    name: str
    channels: Annotated[int, Field(ge=1)] = 60
    calls_per_s: Annotated[float, Field(gt=0)] = 10.0
    endpoint: str = ""
    host: str = ""
    port: Port = 5060
    transport: Literal["udp", "tcp", "tls"] = "udp"
    match: tuple[str, ...] = ()
    username: str = ""
    secret: str = Field(default="", repr=False)
    registers: bool = False
    codecs: tuple[str, ...] = ("alaw", "ulaw")
    srtp: bool = False
    from_user: str = ""
    from_domain: str = ""
    outbound_proxy: str = ""
    p_asserted_identity: bool = True
    qualify_s: int = 30


class AgentPart(_Part):
    """One agent's phone on a managed Asterisk; name is also the agent's id. secret empty: generated, see `agent list`.

    endpoint: where the standing leg is dialled; empty: "PJSIP/<name>".
    """

    name: str
    display_name: str = ""
    secret: str = Field(default="", repr=False)
    browser: bool = False
    endpoint: str = ""
    skills: dict[str, int] = Field(default_factory=dict)


class QueuePart(_Part):
    """One queue of callers; docs/inbound.md explains every field and the rule of blending.

    hours: such as "mon-fri 09:00-18:00", in time_zone; none: always open. holidays: country whose holidays are closed.
    """

    queue_id: Annotated[str, Field(pattern=r"^[a-z0-9_-]{1,40}$")]
    name: str = ""
    skills: tuple[str, ...] = ()
    priority: Annotated[int, Field(ge=1, le=9)] = 5
    before_outbound: bool = False
    service_level_s: Annotated[float, Field(gt=0)] = 20.0
    service_level_target: Annotated[float, Field(gt=0, le=1)] = 0.8
    max_wait_s: Annotated[float, Field(gt=0)] = 600.0
    max_waiting: Annotated[int, Field(ge=1)] = 200
    overflow_to: str = ""
    hours: tuple[str, ...] = ()
    time_zone: str = "Europe/Madrid"
    holidays: str = ""
    keep_free: Annotated[int, Field(ge=0)] = 0
    announce_every_s: Annotated[float, Field(ge=5)] = 30.0
    recording: bool = True
    wrap_up_s: Annotated[float, Field(ge=0)] = 30.0
    dispositions: Annotated[tuple[str, ...], Field(min_length=1)] = ("done", "call_back", "complaint", "wrong_number")


class LinePart(_Part):
    """A number that people call ("*": every other one) and what it leads to: a flow, else a queue, else an agent."""

    number: str
    flow: str = ""
    queue: str = ""
    agent: str = ""
    language: Literal["es", "en"] = "es"


class ExtensionPart(_Part):
    """A direct extension: who calls this number reaches this agent."""

    number: Annotated[str, Field(pattern=r"^[0-9*#]{1,20}$")]
    agent: str


class InboundPart(_Part):
    """Calls from outside in general.

    first_contact_days: who calls the same line again within so many days after being served was not helped.
    """

    first_contact_days: Annotated[float, Field(gt=0, le=90)] = 7.0


class MessagesPart(_Part):
    """The hook that delivers a channel's messages; e-mail without one goes by [ivr.mail]."""

    email: str = ""
    whatsapp: str = ""
    sms: str = ""


class IvrPart(_Part):
    """Menus; docs/ivr.md has examples. flows: folder of flow files, read at the start and on reload.

    plugins: folder of Python modules that sources name. sources: what flows look things up in. hooks: systems that are
    told, signed. messages: hooks that deliver them. payment: who gives tokens for cards.
    """

    flows: Path = Path("flows.d")
    plugins: Path = Path("plugins.d")
    sources: tuple[Source, ...] = ()
    hooks: tuple[Hook, ...] = ()
    mail: Mail | None = None
    messages: MessagesPart = MessagesPart()
    payment: PaymentProvider | None = None


class LogSettings(_Part):
    """How the server speaks. format: text for people, json for machines."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["text", "json"] = "text"


class Settings(BaseSettings):
    """Everything a node needs to know. var: folder for the database, secrets, instances and recordings."""

    model_config = SettingsConfigDict(
        env_prefix="TIMBRE_", env_nested_delimiter="__", extra="forbid", frozen=True, toml_file="timbre.toml"
    )

    node: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,30}$")] = "node1"
    var: Path = Path("var")
    campaigns: Path = Path("campaigns.d")
    wrap_up_grace_s: float = 0.0
    http: HttpSettings = HttpSettings()
    database: DatabaseSettings = DatabaseSettings()
    redis: RedisSettings = RedisSettings()
    asterisk: AsteriskPart = AsteriskPart()
    media: MediaSettings = MediaSettings()
    amd: AmdPart = AmdPart()
    log: LogSettings = LogSettings()
    trunks: tuple[TrunkPart, ...] = ()
    agents: tuple[AgentPart, ...] = ()
    inbound: InboundPart = InboundPart()
    ivr: IvrPart = IvrPart()
    queues: tuple[QueuePart, ...] = ()
    lines: tuple[LinePart, ...] = ()
    extensions: tuple[ExtensionPart, ...] = ()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, then TIMBRE_*, then the file."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)

    @property
    def var_dir(self) -> Path:
        """The var folder, absolute."""
        return self.var.absolute()

    @property
    def database_url(self) -> str:
        """The database in use."""
        return self.database.url or f"sqlite:///{self.var_dir / 'timbre.db'}"

    @property
    def redis_url(self) -> str:
        """The Redis in use."""
        return self.redis.url or f"redis://127.0.0.1:{self.redis.port}/0"

    @property
    def kept_calls_dir(self) -> Path:
        """Where calls to learn from are kept."""
        folder = self.amd.collect.folder
        return Path(folder).absolute() if folder else self.var_dir / "amd-calls"

    @property
    def recordings_dir(self) -> Path:
        """Where conversations are kept."""
        return Path(self.media.recordings).absolute() if self.media.recordings else self.var_dir / "recordings"


def load(file: Path | None = None) -> Settings:
    """Read the settings. file: instead of ./timbre.toml. Raises SettingsError with every problem, one per line."""
    path = file or Path(os.environ.get("TIMBRE_CONFIG", "timbre.toml"))
    if file and not path.is_file():
        raise SettingsError(f"{path}: there is no such settings file")

    class _FromFile(Settings):
        model_config = SettingsConfigDict(toml_file=path)

    problems = list(unknown_variables(os.environ, Settings))
    try:
        settings = _FromFile()
    except ValidationError as error:
        problems += problems_in(error, path, Settings)
    except tomllib.TOMLDecodeError as error:
        problems.append(f"{path}: not valid TOML: {error}")
    except UnicodeDecodeError:
        problems.append(f"{path}: no text in UTF-8: save it as UTF-8")
    if problems:
        raise SettingsError("\n".join(problems))
    return settings
