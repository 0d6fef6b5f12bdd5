"""Who we are at the exchange: generated secrets of a managed Asterisk, or yours of an Asterisk that you run."""

from dataclasses import dataclass, field

from server.managed_asterisk import asterisk_settings
from server.settings import Settings
from telephony.asterisk.credentials import load_or_create
from telephony.errors import SetupError


@dataclass(frozen=True, slots=True)
class ExchangeAccess:
    """Who we are at the exchange. secret_place, ami_secret_place: where a person finds each secret."""

    host: str
    http_port: int
    ami_port: int
    user: str
    secret: str = field(repr=False)
    ami_user: str
    ami_secret: str = field(repr=False)
    secret_place: str
    ami_secret_place: str


def access(settings: Settings) -> ExchangeAccess:
    """How to reach the exchange. Raises SetupError when the secrets of an Asterisk of yours are missing. Blocking."""
    part = settings.asterisk
    if part.managed:
        credentials = load_or_create(asterisk_settings(settings).credentials_file)
        place = str(settings.var_dir / "asterisk" / "credentials.json")
        return ExchangeAccess(
            "127.0.0.1",
            part.http_port,
            part.ami_port,
            credentials.ari_user,
            credentials.ari_password,
            credentials.ami_user,
            credentials.ami_secret,
            place,
            place,
        )
    if not (part.secret and part.ami_secret):
        raise SetupError(
            "asterisk.managed is false, so asterisk.secret (ari.conf) and asterisk.ami_secret (manager.conf) are "
            "needed: set them in timbre.toml or as TIMBRE_ASTERISK__SECRET and TIMBRE_ASTERISK__AMI_SECRET"
        )
    return ExchangeAccess(
        part.host,
        part.http_port,
        part.ami_port,
        part.user,
        part.secret,
        part.ami_user,
        part.ami_secret,
        "asterisk.secret in timbre.toml, and your ari.conf",
        "asterisk.ami_secret in timbre.toml, and your manager.conf",
    )
