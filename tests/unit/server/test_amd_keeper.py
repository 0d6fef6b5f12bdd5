"""What a live node keeps of its calls, what it tells when verdicts move, and the commands on what was kept."""

import asyncio
import json
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError
from typer.testing import CliRunner

from agents.agent import AgentMove, AgentState
from amd.kept import KeptCalls
from amd.verdict import CallClass, Verdict
from campaigns.attempt import Attempt, AttemptState
from campaigns.outcome import Outcome
from dialer.events import AgentMoved, AttemptMoved, DialerEvent, Trouble, VerdictSaid
from dialer.evidence import Signalling, trunk_of
from media.taps import TapTick
from server.amd_drift import DriftAlarm
from server.amd_keeper import CallKeeper
from server.commands.amd import app
from server.metrics import Metrics
from server.settings import CollectPart, DriftPart
from storage.port import Disposition
from tests.support.amd_sounds import call, speech

RUN = CliRunner()
ON = CollectPart(enabled=True, legal_basis="consent asked for in the announcement", audit_share=0.0)
MACHINE = Verdict(CallClass.MACHINE, 0.97, "a recording's greeting", 1.0)


class Noon:
    """Time stands still."""

    def now_s(self) -> float:
        return 100.0

    def monotonic_s(self) -> float:
        return 100.0


class Words:
    """A store of dispositions that knows what it was told."""

    def __init__(self) -> None:
        self.said: dict[str, list[Disposition]] = {}

    async def of_attempt(self, attempt_id: str) -> list[Disposition]:
        return self.said.get(attempt_id, [])


class Node:
    """A keeper with everything around it."""

    def __init__(self, folder: Path, settings: CollectPart = ON) -> None:
        self.events: list[DialerEvent] = []
        self.words = Words()
        self.kept = KeptCalls(folder)
        self.keeper = CallKeeper(settings, self.kept, self.words, Noon(), self.events.append)  # type: ignore[arg-type]

    def listen(self, call_id: str, samples: np.ndarray, verdict: Verdict = MACHINE, early: int = 0) -> None:
        """A tap from opening to its end: `early` ticks of early media, then the samples."""
        tapes = self.keeper.tapes
        tapes.opened(3, call_id, answered=not early)
        frames = samples[: len(samples) // 160 * 160].reshape(-1, 160)
        for number, frame in enumerate(frames):
            if early and number == early:
                tapes.answered(3)
            tapes.heard(TapTick(np.array([3]), frame[None], np.array([True])))
            if number == early + 50:
                tapes.said(3, verdict)
        tapes.closed(3)

    def end(self, call_id: str, outcome: Outcome = Outcome.MACHINE) -> None:
        """What the engine tells of the call."""
        self.keeper.take(VerdictSaid(2.0, call_id, "c1", Signalling(0.0, "carrier").onto(MACHINE), 2.0, "carrier"))
        attempt = Attempt(call_id, "c1", "lead", "+34612345678", "node1", 5.0, AttemptState.ANSWERED)
        ended, move = attempt.move(AttemptState.ENDED, 9.0, outcome)
        self.keeper.take(AttemptMoved(9.0, ended, move))


async def test_given_a_call_that_ends_then_its_sound_and_context_are_kept_without_its_number(tmp_path: Path) -> None:
    node = Node(tmp_path)
    node.listen("call1", call(speech(1.0), tail_s=4.0), early=25)
    node.end("call1")
    await node.keeper.close()
    (kept,) = node.kept.all()
    assert (kept.trunk, kept.outcome, kept.answered) == ("carrier", "machine", True)
    assert kept.seconds == pytest.approx(3.02, abs=0.03)  # a second to the verdict, two after it
    assert [said.call_class for said in kept.said] == [CallClass.MACHINE]
    assert node.kept.early_of("call1").exists()
    everything = await asyncio.to_thread(lambda: b"".join(path.read_bytes() for path in tmp_path.iterdir()))
    assert b"612345678" not in everything and b"612345" not in everything


async def test_given_the_agents_word_then_it_is_added_and_a_default_is_not(tmp_path: Path) -> None:
    node = Node(tmp_path)
    for call_id in ("call1", "call2"):
        node.listen(call_id, call(speech(0.5), tail_s=1.0))
        node.end(call_id, Outcome.BRIDGED)
    node.words.said = {
        "call1": [Disposition("desk-1", "call1", "lead", "ana", "voicemail", 1.0)],
        "call2": [Disposition("call2-default", "call2", "lead", "ana", "no_disposition", 1.0)],
    }
    for call_id in ("call1", "call2"):
        move = AgentMove("ana", AgentState.WRAP_UP, AgentState.IDLE, 10.0, 1.0, wrapped_up=(call_id,))
        node.keeper.take(AgentMoved(10.0, move))
    await node.keeper.close()
    assert [each.dispositions for each in node.kept.all()] == [("voicemail",), ()]


async def test_given_a_folder_that_cannot_be_written_then_one_message_and_calls_go_on(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    node = Node(tmp_path / "file" / "below")
    for number in range(3):
        node.listen(f"call{number}", call(speech(0.5), tail_s=0.5))
        node.end(f"call{number}")
    await node.keeper.close()
    troubles = [event for event in node.events if isinstance(event, Trouble)]
    assert len(troubles) == 1 and "cannot be kept" in troubles[0].words


async def test_given_a_share_then_only_calls_drawn_by_lot_are_taped(tmp_path: Path) -> None:
    node = Node(tmp_path, ON.model_copy(update={"share": 0.3}))
    for number in range(60):
        node.listen(f"call{number}", call(speech(0.3), lead_s=0.1, tail_s=0.2))
        node.end(f"call{number}")
    await node.keeper.close()
    assert 8 <= len(list(node.kept.all())) <= 28


def test_given_no_reason_then_calls_are_not_kept() -> None:
    assert CollectPart().enabled is False
    with pytest.raises(ValidationError, match="legal_basis"):
        CollectPart(enabled=True)


def test_given_a_dial_string_then_the_trunk_is_named_without_the_number() -> None:
    assert trunk_of("PJSIP/+34612345678@carrier") == "carrier"
    assert trunk_of("PJSIP/carrier/sip:34612345678") == "PJSIP/carrier/sip:"
    assert trunk_of("") == ""


def test_given_what_was_signalled_then_the_verdict_carries_it() -> None:
    early = Verdict(CallClass.MACHINE, 0.95, "announcement before answer", 1.4, early_media=True)
    signalling = Signalling(10.0, "carrier", rang_s=11.0, early_media_s=12.0, answered_s=16.5, early=early)
    evidence = signalling.onto(MACHINE).evidence
    assert evidence == {
        "answered_after_s": 6.5,
        "trunk": "carrier",
        "rang_for_s": 5.5,
        "early_media_for_s": 4.5,
        "early_verdict": "machine",
        "early_cause": "announcement before answer",
    }
    assert Signalling(10.0).onto(MACHINE) is MACHINE


async def test_given_verdicts_that_move_then_one_trouble_a_metric_and_a_file_for_the_restart(tmp_path: Path) -> None:
    events: list[DialerEvent] = []
    metrics, file = Metrics(), tmp_path / "drift.json"
    settings = DriftPart(recent=50, reference=100)
    alarm = DriftAlarm(settings, file, Noon(), events.append, metrics)
    people, late = [Verdict(CallClass.HUMAN, 0.98, "", 2.0, 0.4), MACHINE], 86_400.0
    for number in range(200):
        alarm.take(VerdictSaid(float(number), f"a{number}", "c1", people[number % 2], 0.0, "carrier"))
    await alarm.save()
    again = DriftAlarm(settings, file, Noon(), events.append, metrics)
    task = asyncio.create_task(again.run())
    while not again.watch.as_json():  # noqa: ASYNC110 - a worker thread reads the file
        await asyncio.sleep(0.001)
    task.cancel()
    for number in range(200):
        again.take(VerdictSaid(late + number, f"b{number}", "c1", MACHINE, 0.0, "carrier"))
    (told,) = [event for event in events if isinstance(event, Trouble)]
    assert told.where == "amd" and "campaign c1 on trunk carrier" in told.words and "100 % of verdicts" in told.words
    labels = {"campaign": "c1", "trunk": "carrier", "what": "class machine"}
    assert metrics.registry.get_sample_value("timbre_amd_drift", labels) == pytest.approx(0.5, abs=0.02)
    assert json.loads(file.read_text())


def test_given_kept_calls_then_a_person_lists_hears_labels_and_gets_the_estimate(tmp_path: Path) -> None:
    node = Node(tmp_path / "kept")

    async def keep() -> None:
        for number in range(3):
            node.listen(f"call{number}", call(speech(0.8, seed=number), tail_s=2.0))
            node.end(f"call{number}")
        await node.keeper.close()

    asyncio.run(keep())
    folder = ["--folder", str(tmp_path / "kept"), "--by", "ana"]
    page = tmp_path / "page.html"
    assert RUN.invoke(app, ["review", *folder, "--html", str(page)]).exit_code == 0
    assert page.read_text().count("<audio") == 3 and "CLASS" in page.read_text()
    asked = RUN.invoke(app, ["review", *folder], input="x\nh\nm\nq\n")
    assert asked.exit_code == 0, asked.output
    assert "sound" in asked.output and "verdict" in asked.output and "manifest.csv: 2 calls" in asked.output
    named = RUN.invoke(app, ["review", *folder, "--label", "call2=machine"])
    assert named.exit_code == 0 and "manifest.csv: 3 calls" in named.output
    assert "audited" not in named.output  # chosen, not drawn by lot
    wrong = RUN.invoke(app, ["review", *folder, "--label", "call2=alien"])
    assert wrong.exit_code == 1
    scored = RUN.invoke(app, ["evaluate", str(tmp_path / "kept" / "manifest.csv")])
    assert scored.exit_code == 0, scored.output
    told = RUN.invoke(app, ["collect", "--folder", str(tmp_path / "kept"), "--erase", "call0"])
    assert told.exit_code == 0 and "call0: deleted" in told.output and "2 calls" in told.output


def test_given_calls_drawn_by_lot_then_their_labels_are_the_lines_for_the_campaigns_file(tmp_path: Path) -> None:
    node = Node(tmp_path / "kept", ON.model_copy(update={"audit_share": 1.0}))

    async def keep() -> None:
        for number in range(2):
            node.listen(f"call{number}", call(speech(0.5, seed=number), lead_s=0.2, tail_s=1.0))
            node.end(f"call{number}")
        await node.keeper.close()

    asyncio.run(keep())
    folder = ["--folder", str(tmp_path / "kept"), "--by", "ana"]
    assert "nothing is waiting" in RUN.invoke(app, ["review", *folder]).output
    labelled = RUN.invoke(app, ["review", *folder, "--order", "audit"], input="m\nh\n")
    assert labelled.exit_code == 0, labelled.output
    assert "1 of 2 audited" in labelled.output and "[amd] audited = 2, audited_people = 1" in labelled.output
