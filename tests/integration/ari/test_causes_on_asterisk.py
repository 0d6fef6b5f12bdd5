"""What Asterisk really reports for each way a call can end: the ground under telephony/causes.py."""

import asyncio
import random
import time
from collections.abc import AsyncIterator

import pytest

from campaigns.ids import call_channel_id, new_id
from campaigns.outcome import Outcome
from telephony.ami.observer import AmiObserver
from telephony.ami.settings import AmiSettings
from telephony.ari.control import AriCallControl
from telephony.ari.settings import AriSettings
from telephony.asterisk.process import AsteriskInstance
from telephony.causes import meaning_of_hang_up
from telephony.errors import SetupError
from telephony.events import CallEvent, EarlyMedia, HungUp, Ringing
from telephony.port import OriginateOrder
from tests.support.servers import AsteriskFactory
from tests.support.sipp_far_end import sipp_far_end

pytestmark = pytest.mark.asterisk
_FAR_ENDS = """
[anywhere]
type=endpoint
disallow=all
allow=ulaw
direct_media=no
"""


class _Clock:
    def now_s(self) -> float:
        return time.time()

    def monotonic_s(self) -> float:
        return time.monotonic()


@pytest.fixture(scope="module")
def asterisk(asterisk_instance: AsteriskFactory) -> AsteriskInstance:
    return asterisk_instance(extra_pjsip=_FAR_ENDS)


def control_of(asterisk: AsteriskInstance, secret: str = "") -> AriCallControl:
    settings, login = asterisk.settings, asterisk.credentials
    ari = AriSettings(
        *("127.0.0.1", settings.http_port, login.ari_user, secret or login.ari_password),
        *(settings.stasis_app, "127.0.0.1", 9),
    )
    recorder = observer_of(asterisk)
    return AriCallControl(ari, _Clock(), random.Random(3), recorder, lambda: None)


def observer_of(asterisk: AsteriskInstance, secret: str = "") -> AmiObserver:
    login = asterisk.credentials
    ami = AmiSettings("127.0.0.1", asterisk.settings.ami_port, login.ami_user, secret or login.ami_secret)
    return AmiObserver(ami, _Clock(), random.Random(3), lambda event: None)


@pytest.fixture
async def control(asterisk: AsteriskInstance) -> AsyncIterator[AriCallControl]:
    async with asyncio.TaskGroup() as group:
        control = control_of(asterisk)
        run = group.create_task(control.run())
        await control.wait_up()
        yield control
        run.cancel()


async def ended(control: AriCallControl, far_end: str, *, ring_timeout_s: float = 20, give_up: bool = False) -> HungUp:
    """Dial a far end and return how it ended; give_up: hang up when it rings."""
    channel_id = call_channel_id(new_id(time.time(), random.Random()))
    with control.inbox(channel_id) as inbox:
        order = OriginateOrder(channel_id, f"PJSIP/anywhere/sip:1@{far_end}", "600111222", ring_timeout_s)
        await control.originate(order)
        seen: list[CallEvent] = []
        async with asyncio.timeout(15):
            while not (seen and isinstance(seen[-1], HungUp)):
                seen.append(await inbox.next())
                if give_up and isinstance(seen[-1], Ringing | EarlyMedia):
                    await control.hang_up(channel_id)
        return seen[-1]


@pytest.mark.parametrize(
    ("status", "q850", "outcome"),
    [
        ("486 Busy Here", 17, Outcome.BUSY),
        ("600 Busy Everywhere", 17, Outcome.BUSY),
        ("404 Not Found", 1, Outcome.UNALLOCATED),
        ("410 Gone", 22, Outcome.UNALLOCATED),
        ("484 Address Incomplete", 28, Outcome.UNALLOCATED),
        ("604 Does Not Exist Anywhere", 1, Outcome.UNALLOCATED),
        ("503 Service Unavailable", 34, Outcome.CONGESTION),
        ("500 Server Internal Error", 38, Outcome.CONGESTION),
        ("603 Decline", 21, Outcome.REJECTED),
        ("403 Forbidden", 21, Outcome.REJECTED),
        ("480 Temporarily Unavailable", 19, Outcome.NO_ANSWER),
        ("487 Request Terminated", 127, Outcome.NO_ANSWER),
    ],
)
@pytest.mark.parametrize("scenario", ["reject", "early_media_reject"])
async def test_a_refusal_is_told_with_its_cause_and_its_sip_status(
    control: AriCallControl, scenario: str, status: str, q850: int, outcome: Outcome
) -> None:
    async with sipp_far_end(scenario, status=status) as far_end:
        end = await ended(control, far_end)
    assert (end.q850, end.sip_status) == (q850, int(status[:3]))
    assert meaning_of_hang_up(end.q850, end.sip_status).outcome is outcome


async def test_a_ring_timeout_is_no_answer(control: AriCallControl) -> None:
    async with sipp_far_end("ring_until_cancel") as far_end:
        end = await ended(control, far_end, ring_timeout_s=1)
    assert (end.q850, end.sip_status) == (19, 480)


async def test_a_call_that_we_give_up_ends_as_normal_clearing(control: AriCallControl) -> None:
    async with sipp_far_end("ring_until_cancel") as far_end:
        end = await ended(control, far_end, give_up=True)
    assert (end.q850, end.sip_status) == (16, None)


async def test_a_wrong_secret_is_refused_with_one_clear_message(asterisk: AsteriskInstance) -> None:
    with pytest.raises(SetupError, match=r"ARI user 'timbre'.*ari\.conf"):
        await control_of(asterisk, "wrong").run()
    with pytest.raises(SetupError, match=r"user 'timbre'.*manager\.conf"):
        await observer_of(asterisk, "wrong").run()


async def test_a_second_controller_of_one_application_stops_the_first(asterisk: AsteriskInstance) -> None:
    first, second = control_of(asterisk), control_of(asterisk)
    running = asyncio.ensure_future(first.run())
    await first.wait_up()
    taking_over = asyncio.ensure_future(second.run())
    await second.wait_up()
    with pytest.raises(SetupError, match="another controller"):
        await running
    await second.snapshot()
    taking_over.cancel()
    with pytest.raises(asyncio.CancelledError):
        await taking_over
