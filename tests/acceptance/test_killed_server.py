"""`timbre up` is killed with a conversation up and another just bridged, and started again: both go on."""

import time
from functools import partial

import pytest

from campaigns.attempt import Attempt
from campaigns.outcome import Outcome
from media import soundfiles
from media.softphone.fleet import RobotFleet
from media.softphone.messages import EventKind, RobotSpec
from server.demo.behaviours import Behaviour
from server.demo.network import Network
from server.demo.numbering import DemoNumber
from server.stores import open_stores
from storage.port import RecordingState, StoredRecording
from tests.support.live_house import LiveFolder, LiveProcess, campaign_text, live_folder
from tests.support.live_talk import Audio, similarity
from tests.support.until import until

pytestmark = pytest.mark.asterisk

_TALKERS = 2


async def test_given_kill_9_right_after_a_bridge_then_both_conversations_and_recordings_go_on_and_no_attempt_is_lost(
    telephone_network: Network,
) -> None:
    # They stay two minutes: however long the next start takes.
    people = [DemoNumber.of(Behaviour.PERSON_SENTENCE, variant=each, stay=9, serial=60) for each in range(_TALKERS)]
    ringing = [DemoNumber.of(Behaviour.BUSY, ring=6, serial=60 + each) for each in range(4)]
    with live_folder(telephone_network, _TALKERS) as folder:
        server = LiveProcess(folder)
        try:
            async with RobotFleet(await _started(server)) as fleet:
                await fleet.wait_all(EventKind.REGISTERED)
                await _campaign(server, people + ringing)
                await server.died()
                killed_at_s = time.time()
                await server.start(90.0)
                up_again_s = time.time()
                await server.asked_until("/status", lambda status: status["agents"].get("talking") == _TALKERS)
                for agent_id in folder.agents:
                    await server.ask("POST", f"/agents/{agent_id}/hang-up")
                await server.asked_until("/calls", lambda calls: not calls, 40.0)
        finally:
            await server.end()
        attempts, recordings = await _books(folder)
        await until(lambda: len(_heard(folder, people)) == _TALKERS, 10.0)
        for (heard, recorded_from_s), agent in zip(_heard(folder, people), folder.agents, strict=True):
            meanwhile = heard[
                round((killed_at_s - recorded_from_s) * 8000) : round((up_again_s - recorded_from_s) * 8000)
            ]
            voices = [soundfiles.load(folder.voice_of(name)) for name in folder.agents]
            assert max(similarity(meanwhile, voice) for voice in voices) > 0.6, f"{agent} was not heard meanwhile"
    assert len({attempt.lead_id for attempt in attempts}) == len(attempts) == len(people + ringing)
    assert all(attempt.outcome for attempt in attempts)
    outcomes = [attempt.outcome for attempt in attempts]
    assert outcomes.count(Outcome.BRIDGED) == _TALKERS
    assert set(outcomes) <= {Outcome.BRIDGED, Outcome.BUSY, Outcome.GIVEN_UP, Outcome.LOST}
    # The second one's was begun before its bridge; whoever began it was dead when the bridge was there.
    assert [recording.state for recording in recordings] == [RecordingState.COMPLETE] * _TALKERS
    assert min(recording.duration_s or 0.0 for recording in recordings) > up_again_s - killed_at_s


async def _started(server: LiveProcess) -> list[RobotSpec]:
    await server.start(90.0, "tests.support.dying_server")
    return server.folder.specs()


async def _campaign(server: LiveProcess, numbers: list[DemoNumber]) -> None:
    for agent in server.folder.agents:
        await server.ask("POST", f"/agents/{agent}/sign-in")
        await server.asked_until("/agents", partial(_has_audio, agent))
        await server.ask("POST", f"/agents/{agent}/ready")
    await server.ask("PUT", "/campaigns", content=campaign_text("killed").encode())
    rows = "phone\n" + "".join(f"{number.e164}\n" for number in numbers)
    assert (await server.ask("POST", "/lists/killed/import", content=rows.encode()))["added"] == len(numbers)
    await server.ask("POST", "/campaigns/killed/start")


def _has_audio(name: str, views: list[dict[str, object]]) -> bool:
    return any(view["agent_id"] == name and view["audio"] for view in views)


async def _books(folder: LiveFolder) -> tuple[list[Attempt], list[StoredRecording]]:
    async with open_stores(folder.settings.database_url) as stores:
        attempts = await stores.attempts.list("killed", 100)
        found = [await stores.recordings.of_attempt(attempt.attempt_id) for attempt in attempts]
    return attempts, [recording for rows in found for recording in rows]


def _heard(folder: LiveFolder, people: list[DemoNumber]) -> list[tuple[Audio, float]]:
    found = [folder.truth().find(number.e164, 0.0) for number in people]
    return [
        (soundfiles.load(call.heard), call.recorded_from_s)
        for call in found
        if call is not None and call.heard is not None and call.recorded_from_s is not None
    ]
