"""One network for all tests of this folder, and every far end called once, all at the same time."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from media import soundfiles
from server.demo.behaviours import FAR_ENDS, Behaviour
from server.demo.network import Network
from server.demo.numbering import DemoNumber
from server.demo.truth import CallTruth, TruthIndex, read_truth
from server.demo.voices import agent_voice_files
from tests.integration.network.sip_caller import Heard, SipCaller
from tests.support.servers import AsteriskFactory
from tests.support.telephone_network import make_network

PATIENCE_S = 14.0  # the longest early announcement, and a call nobody answers
_STAYING = {Behaviour.NO_AUDIO: 1}  # the digit T: three seconds without a packet


@dataclass(frozen=True)
class Call:
    """A call from both sides."""

    heard: Heard
    truth: CallTruth


@dataclass(frozen=True)
class Session:
    """The running network and one call to each code."""

    network: Network
    calls: dict[int, Call]


@pytest.fixture(scope="session")
def network_session(asterisk_instance: AsteriskFactory) -> Iterator[Session]:
    instance, network = make_network(asterisk_instance)
    asyncio.run(instance.start())
    heard = asyncio.run(_call_every_far_end(network))
    _wait_for_truth(network, len(heard))
    index = TruthIndex(read_truth(network.truth_file, network.prompts))
    calls = {}
    for code, one in heard.items():
        truth = index.find(one.number, 0.0)
        assert truth is not None, f"the network has no truth about its far end {code}"
        calls[code] = Call(one, truth)
    yield Session(network, calls)


async def _call_every_far_end(network: Network) -> dict[int, Heard]:
    caller = SipCaller(("127.0.0.1", network.settings.sip_port), speak=soundfiles.load(agent_voice_files()[0]))
    async with asyncio.TaskGroup() as group:
        calls = {
            code: group.create_task(
                caller.call(
                    DemoNumber(far_end, stay=_STAYING.get(far_end.behaviour, 0)).e164,
                    stay_s=25.0,
                    patience_s=PATIENCE_S,
                )
            )
            for code, far_end in FAR_ENDS.items()
        }
    return {code: call.result() for code, call in calls.items()}


def _wait_for_truth(network: Network, calls: int) -> None:
    """The last line is written a moment after the last call ended."""
    deadline = time.monotonic() + 5.0
    while len(read_truth(network.truth_file, network.prompts)) < calls:
        assert time.monotonic() < deadline, "the network did not log the truth about every call"
        time.sleep(0.02)
