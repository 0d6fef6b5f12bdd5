"""What Asterisk's list of channels says of calls that nobody has taken yet."""

from typing import Any

import pytest

from telephony.ari.reconcile import read_state
from telephony.events import Arrived

# As Asterisk 22.10 lists a call from outside whose controller died before it was answered.
RINGS: dict[str, Any] = {
    "id": "1795351859.0",
    "name": "PJSIP/carrier-00000000",
    "state": "Ring",
    "caller": {"name": "", "number": "+34600111222"},
    "dialplan": {
        "context": "from-trunk",
        "exten": "+34910000001",
        "priority": 2,
        "app_name": "Stasis",
        "app_data": "timbre,incoming,+34910000001",
    },
}


def test_given_a_call_that_rings_for_us_when_listed_then_it_is_known_who_calls_whom() -> None:
    (channel,) = read_state([RINGS], [], 5.0).channels
    arguments = ("incoming", "+34910000001")
    assert channel.waits == Arrived("1795351859.0", 5.0, "+34910000001", "+34600111222", arguments)
    assert channel.state == "ring"


@pytest.mark.parametrize(
    "change",
    [
        {"state": "Up"},
        {"state": "Ringing"},
        {"dialplan": {"app_name": "Stasis", "app_data": "timbre"}},
        {"dialplan": {"app_name": "Stasis", "app_data": "timbre,dialed"}},
        {"dialplan": {"app_name": "AppDial2", "app_data": "timbre,incoming,+34910000001"}},
        {"dialplan": None},
    ],
)
def test_given_any_other_channel_when_listed_then_it_is_no_arrival(change: dict[str, Any]) -> None:
    (channel,) = read_state([RINGS | change], [], 5.0).channels
    assert channel.waits is None
