"""Where a flow and an agent send a caller: agents, extensions, numbers outside, surveys; on virtual time."""

import asyncio
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import ClassVar

from pytest import mark

from dialer.inbound.events import CallOver, TalkBegan
from dialer.inbound.orders import Act
from dialer.inbound.routes import Route
from ivr.line import CallerLine, QueueOrder, QueuePlace
from ivr.port import SurveyAnswer
from server.flow_world import Answers
from telephony.sim.far_end import FarEnd, HangUp, Press
from tests.support.virtual import virtual
from tests.unit.inbound.inbound_house import DID, InboundHouse, ScriptedFlows
from tests.unit.inbound.test_flow_changes import house_with, nodes_of

HEAD = "flow: menu\nlanguage: en\nstart: first\nrescue: {queue: nobody}\nnodes:\n"
TRANSFER = (
    HEAD + "  first: {do: transfer, kind: %s, to: \"'%s'\", ring_s: 10, next: after, busy: engaged, no_answer: away,"
    " failed: wrong}\n"
    + "".join(f"  {name}: {{do: goodbye, text: {name}.}}\n" for name in ("after", "engaged", "away", "wrong"))
)
OUTSIDE = "+34911222333"
SURVEY = HEAD + (
    "  first: {do: queue, queue: sales, survey: rate, next: %s}\n"
    "  rate: {do: survey, text: Rate us., question: csat, scale: csat, next: bye}\n"
    "  bye: {do: goodbye, text: Bye.}\n"
)


class KeptAnswers(Answers):
    """Answers of the house's database, and what was kept there."""

    kept: ClassVar[list[SurveyAnswer]] = []

    async def survey(self, answer: SurveyAnswer) -> None:
        await super().survey(answer)
        self.kept.append(answer)


async def served(folder: Path, text: str) -> InboundHouse:
    """A house with one agent, whose line leads to this flow."""
    house, flows = await house_with(folder, text)
    assert flows.world is not None
    KeptAnswers.kept.clear()
    flows.world = replace(flows.world, answers=KeptAnswers(house.promises, house.callbacks.promised))
    house.extensions["201"] = "agent00"
    await house.base.staffed(1)
    return house


@virtual
@mark.parametrize(
    ("kind", "to", "far_end", "way"),
    [
        ("number", OUTSIDE, FarEnd.person(ring_s=2.0, talk_s=5.0), "after"),
        ("number", OUTSIDE, FarEnd.busy(), "engaged"),
        ("number", OUTSIDE, FarEnd.no_answer(), "away"),
        ("agent", "agent00", None, "after"),
        ("extension", "201", None, "after"),
        ("agent", "nobody", None, "away"),
        ("extension", "999", None, "wrong"),
    ],
)
async def test_given_a_transfer_in_a_flow_when_the_far_end_talks_or_not_then_the_flow_goes_on_by_that(
    tmp_path: Path, kind: str, to: str, far_end: FarEnd | None, way: str
) -> None:
    house = await served(tmp_path, TRANSFER % (kind, to))
    if far_end is not None:
        house.exchange.network.put(OUTSIDE, far_end)
    channel_id = house.call(Press(60.0, "1"))
    if far_end is None and way == "after":
        await house.until(lambda: house.of(TalkBegan))
        await asyncio.sleep(2.0)
        assert house.exchange.hears(channel_id, house.desk.pool.seat("agent00").profile.agent_key + "-legc")
        house.desk.end_conversation("agent00")
    await house.until(lambda: house.of(CallOver))
    assert await nodes_of(house) == [["first", way]]
    await house.stop()


@virtual
@mark.parametrize("ends", ["outside", "caller"])
async def test_given_a_talk_with_somebody_outside_when_the_server_restarts_then_it_goes_on_and_then_the_flow(
    tmp_path: Path, ends: str
) -> None:
    house = await served(tmp_path, TRANSFER % ("number", OUTSIDE))
    house.exchange.network.put(OUTSIDE, FarEnd.person(ring_s=2.0, talk_s=30.0 if ends == "outside" else 90.0))
    channel_id = house.call(Press(40.0, "1"), HangUp(20.0))
    await asyncio.sleep(8.0)
    outside = next(record.channel_id for record in house.exchange.records if record.channel_id.endswith("-xfer"))
    for _ in range(2):  # and once more
        assert house.exchange.hears(channel_id, outside) and house.exchange.hears(outside, channel_id)
        house.task.cancel()
        await asyncio.gather(house.task, return_exceptions=True)
        await asyncio.sleep(2.0)
        house.task = asyncio.create_task(house.reception.run())
        await asyncio.sleep(2.0)
    assert house.exchange.hears(channel_id, outside) and house.exchange.hears(outside, channel_id)
    await house.until(lambda: house.of(CallOver))
    (call,) = await house.stored()
    assert sum(record.channel_id.endswith("-xfer") for record in house.exchange.records) == 1
    assert "sound:interrupted-en" not in [each.source for each in house.exchange.record(channel_id).heard]
    assert await nodes_of(house) == [["first", *(["first", "after"] if ends == "outside" else [])]]
    assert call.ended_how == ("goodbye" if ends == "outside" else "talked") and call.talk_s > 15.0
    state = await house.exchange.snapshot()
    assert not [each for each in state.bridges if each.bridge_id.endswith("-xfrb")]
    assert not [each for each in state.channels if each.channel_id.endswith("-xfer")]
    await house.stop()


@virtual
@mark.parametrize("sent", [True, False])
async def test_given_a_talk_when_the_agent_sends_to_the_survey_or_hangs_up_then_the_answer_names_agent_and_call(
    tmp_path: Path, sent: bool
) -> None:
    house = await served(tmp_path, SURVEY % ("bye" if sent else "rate"))
    house.call(Press(12.0, "4"), HangUp(60.0))
    await house.until(lambda: house.of(TalkBegan))
    await asyncio.sleep(8.0)
    if sent:
        await house.reception.order("agent00", Act.SURVEY)
    else:
        house.desk.end_conversation("agent00")
    await house.until(lambda: house.of(CallOver))
    assert await nodes_of(house) == [["first", "rate", "bye"]]
    (call,) = await house.stored()
    (counted,) = await house.promises.survey(0.0, 1e12)
    (answer,) = KeptAnswers.kept
    assert (counted.question, counted.score, counted.count) == ("csat", 4, 1)
    assert (answer.call_id, answer.agent_id) == (call.call_id, "agent00")
    await house.stop()


@virtual
async def test_given_a_voice_that_takes_long_when_a_place_is_announced_then_music_until_then_and_only_true_places() -> (
    None
):
    places: list[int] = []

    async def slowly(place: QueuePlace) -> tuple[str, ...]:
        places.append(place.position)
        await asyncio.sleep(4.0)
        return (f"sound:place{place.position}",)

    async def waits(line: CallerLine) -> str:
        return (await line.wait_in_queue(QueueOrder("sales", 600.0, announce=slowly, announce_every_s=10.0))).end.value

    house = await InboundHouse(routes=(Route(DID, flow="f"),), flows=ScriptedFlows({"f": waits})).open()
    await house.start(agents=1)
    house.call(HangUp(60.0))  # talks
    await asyncio.sleep(1.0)
    before = house.call(HangUp(2.5))  # gives up while the next one's place is made
    await asyncio.sleep(0.5)
    channel_id = house.call(HangUp(40.0))
    entered_s = house.clock.monotonic_s()
    await house.until(lambda: len(house.of(CallOver)) == 3)
    assert house.exchange.record(before).heard[0].source == "sound:music"
    heard = house.exchange.record(channel_id).heard
    # "place 2" was not true any more when it was made; the next time it is "place 1", and music up to its first sound.
    assert places[:4] == [1, 1, 2, 1] and heard[0].source == "sound:music"
    said = [part.source for part in heard if part.source.startswith("sound:place")]
    assert said[:1] == ["sound:place1"] and heard[0].from_s - entered_s < 1.0
    waited = [part for part in heard if part.source.startswith("sound:")]
    assert max(after.from_s - part.until_s for part, after in pairwise(waited)) < 0.5
    assert house.troubles() == []
    await house.stop()
