"""A dialer's Asterisk reaches the network through its rendered trunk, as the demo does."""

import asyncio

import pytest

from server.demo.behaviours import Behaviour
from server.demo.numbering import DemoNumber
from server.demo.truth import read_truth
from telephony.asterisk.settings import Trunk
from tests.integration.network.conftest import Session
from tests.support.servers import AsteriskFactory

pytestmark = pytest.mark.asterisk


async def test_given_a_trunk_to_the_network_when_a_dialer_calls_then_the_person_answers_and_hears_it(
    network_session: Session, asterisk_instance: AsteriskFactory
) -> None:
    network = network_session.network
    dialer = asterisk_instance.make(
        trunks=(Trunk(name="network", host="127.0.0.1", port=network.settings.sip_port, qualify_s=0),),
        extra_modules=("res_clioriginate",),
    )
    await dialer.start()
    number = DemoNumber.of(Behaviour.PERSON_SENTENCE, variant=3, stay=1, serial=42).e164

    await dialer.rx(f"channel originate PJSIP/{number}@network application Playback demo-congrats")

    async with asyncio.timeout(15.0):
        while not (calls := [c for c in read_truth(network.truth_file, network.prompts) if c.number == number]):  # noqa: ASYNC110 - another process writes the file
            await asyncio.sleep(0.05)
    assert calls[0].answered_s is not None and calls[0].ended_by_callee
    assert calls[0].heard is not None and calls[0].heard.stat().st_size > 2 * 8000
