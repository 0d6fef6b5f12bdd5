"""What the AMI observer must be told."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class AmiSettings:
    """Where Asterisk's manager interface is and how patient we are.

    request_timeout_s: an action without an answer for so long is lost. ping_every_s: liveness check; a ping without an
    answer ends the connection. backoff_min_s, backoff_max_s: pause before a reconnect, doubled at each failure.
    """

    host: str
    port: int
    user: str
    secret: str = field(repr=False)
    secret_place: str = "the controller's settings and Asterisk's manager.conf"
    request_timeout_s: float = 5.0
    ping_every_s: float = 5.0
    backoff_min_s: float = 0.2
    backoff_max_s: float = 5.0
