"""What can go wrong between Timbre and the exchange.

TelephonyError
├── LinkDown                    the exchange cannot be reached; nothing was asked of it, or the answer is unknown
├── OriginateOutcomeUnknown     an originate was sent and never answered: reconcile, never repeat
├── SetupError                  wrong secret, wrong version, missing module: a person has to mend it
│   └── TakenOver               another controller has our application now: what is at the exchange is its own
└── RequestRejected             the exchange said no
    ├── ChannelGone             the channel (or bridge) is not there any more
    ├── DuplicateChannel        this channel id is in use: the call was already placed
    ├── NotInStasis             the channel is not (yet) under our control
    └── EndpointRefused         no such endpoint or trunk, or it cannot be dialled now
"""


class TelephonyError(Exception):
    """Root of everything the telephony floor raises. `retryable`: asking again later may help."""

    retryable = False


class LinkDown(TelephonyError):
    """The link to the exchange is down. It is re-established by itself; originating stops meanwhile."""

    retryable = True


class OriginateOutcomeUnknown(TelephonyError):
    """An originate was sent and its answer never came: reconciliation will find the channel, or find it missing."""


class SetupError(TelephonyError):
    """The exchange refuses us for a reason that only a person can mend; the message says which and how."""


class TakenOver(SetupError):
    """Another controller took our application: stop, and leave the exchange and its calls to it."""


class RequestRejected(TelephonyError):
    """The exchange answered with an error status."""

    def __init__(self, status: int, reason: str, request: str) -> None:
        """Keep the status code, the exchange's own words and what was asked of it."""
        super().__init__(f"{request}: {status} {reason}")
        self.status = status
        self.reason = reason
        self.request = request


class ChannelGone(RequestRejected):
    """The channel or bridge does not exist any more."""


class DuplicateChannel(RequestRejected):
    """A live channel has this id already."""


class NotInStasis(RequestRejected):
    """The channel is not under our application's control (yet)."""


class EndpointRefused(RequestRejected):
    """The endpoint is unknown or cannot be dialled: check the trunk's name and its registration."""
