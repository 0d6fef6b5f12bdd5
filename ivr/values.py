"""Values of a flow, and how its world fails."""

from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal

Value = str | int | Decimal | bool | date | time | datetime | None
"""What a variable of a flow holds when it is not sensitive (that is `ivr.secret.Secret`)."""

Fields = Mapping[str, Value]
"""Named values."""


class CallerGone(Exception):
    """The caller hung up, or the call was lost. Raised by every CallerLine method; the session ends by it."""


class PortTrouble(Exception):
    """The world could not do what was asked. The message says what and how to mend it, without caller data."""


class TimedOut(PortTrouble):
    """No answer in time: the flow's `timeout` branch, else its `failed` branch."""
