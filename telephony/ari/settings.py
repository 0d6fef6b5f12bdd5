"""What the ARI adapter must be told."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class AriSettings:
    """Where Asterisk's REST interface is, who we are there, and how patient we are.

    app: the Stasis application; one controller per name. audiosocket_host/port: where Asterisk reaches the tap server.
    secret_place: where a person finds the secret, for the message about a wrong one.
    inbox_limit: events a call may leave unread. request_timeout_s: after it an answer counts as lost.
    ping_every_s: pings on the event socket. stall_s: unanswered this long, `on_stall` is called. wedged_s: unanswered
    this long although plain HTTP is answered, the socket is given up. cut_s: unanswered this long, given up anyway.
    backoff_min_s, backoff_max_s: pause before a reconnect, doubled at each failure, with jitter.
    """

    host: str
    port: int
    user: str
    secret: str = field(repr=False)
    app: str
    audiosocket_host: str
    audiosocket_port: int
    secret_place: str = "the controller's settings and Asterisk's ari.conf"
    inbox_limit: int = 256
    request_timeout_s: float = 5.0
    ping_every_s: float = 1.0
    stall_s: float = 2.0
    wedged_s: float = 4.0
    cut_s: float = 8.0
    backoff_min_s: float = 0.1
    backoff_max_s: float = 5.0

    @property
    def base_url(self) -> str:
        """Root of the REST resources, with a slash at its end."""
        return f"http://{self.host}:{self.port}/ari/"
