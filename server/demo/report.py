"""The demo's result: figures for a machine (JSON) and for a person."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from rich.console import Group
from rich.table import Table
from rich.text import Text

from campaigns.attempt import AttemptState
from campaigns.outcome import Outcome
from server.demo.behaviours import Behaviour
from server.demo.truth import CallTruth, TruthIndex, confusion
from server.demo.witness import Seen, Witness

# A robot hears the callee in the tick after Asterisk sent it; anything later belongs to another moment of the call.
_LATEST_S = 2.0


@dataclass(slots=True)
class DemoResult:
    """What a demo measured. sounds: agent id -> monotonic times at which its phone began to hear something."""

    witness: Witness
    truths: list[CallTruth]
    invariants: dict[str, int]
    seconds: float
    recordings: str
    network_recordings: str
    law: str
    sounds: dict[str, list[float]] = field(default_factory=dict)

    @property
    def ran(self) -> bool:
        """Whether a campaign really ran: people were reached and talked with."""
        outcomes = self.witness.outcomes()
        return outcomes[Outcome.BRIDGED] > 0 and bool(self.truths) and bool(self.latencies_ms())

    @property
    def held(self) -> bool:
        """Whether every invariant held."""
        return not any(self.invariants.values())

    def latencies_ms(self) -> list[float]:
        """Verdict to the first sound of the callee at the agent's phone, where an agent was free at the verdict."""
        found = []
        for seen in self.witness.attempts.values():
            if seen.connected is None or not seen.connected.agent_was_free:
                continue
            heard = [at_s - seen.connected.verdict_at_s for at_s in self.sounds.get(seen.connected.agent_id, ())]
            found += [1000 * min(late_s for late_s in heard if 0 <= late_s < _LATEST_S)] if _any(heard) else []
        return found

    def values(self) -> dict[str, Any]:
        """Everything as JSON values."""
        outcomes = self.witness.outcomes()
        people = sum(count for outcome, count in outcomes.items() if outcome.answered_by_person)
        return {
            "seconds": round(self.seconds, 1),
            "law": self.law,
            "attempts": len(self.witness.attempts),
            "answered": self.witness.count_reached(AttemptState.ANSWERED),
            "outcomes": {outcome.value: count for outcome, count in sorted(outcomes.items())},
            "people_answered": people,
            "bridged": outcomes[Outcome.BRIDGED],
            "abandoned": outcomes[Outcome.ABANDONED],
            "abandonment_pct": round(100 * outcomes[Outcome.ABANDONED] / people, 2) if people else 0.0,
            "machines": outcomes[Outcome.MACHINE] + outcomes[Outcome.MESSAGE_LEFT],
            "amd_confusion": confusion(self._pairs()),
            "verdict_to_agent_audio_ms": _percentiles(self.latencies_ms()),
            "verdict_after_greeting_ms": _percentiles(self._after_greeting_ms()),
            "verdict_after_words_ms": _percentiles(self._after_greeting_ms(sentence=False)),
            "verdict_after_sentence_ms": _percentiles(self._after_greeting_ms(sentence=True)),
            "occupancy": round(self.witness.occupancy(), 4),
            "occupancy_second_half": round(self.witness.second_half(), 4),
            "invariants": self.invariants,
            "recordings": self.recordings,
            "network_recordings": self.network_recordings,
            "troubles": [f"{trouble.where}: {trouble.words}" for trouble in self.witness.troubles],
        }

    def _pairs(self) -> list[tuple[CallTruth, str | None]]:
        index = TruthIndex(self.truths)
        found = []
        for seen in self.witness.attempts.values():
            truth = index.find(seen.attempt.phone, seen.attempt.planned_at_s)
            if truth is not None:
                found.append((truth, seen.verdict.call_class.value if seen.verdict else None))
        return found

    def _after_greeting_ms(self, sentence: bool | None = None) -> list[float]:
        """A person's verdict after the end of the greeting, as AMD measured it in the audio.

        sentence: only of far ends that answer with a whole sentence (True) or with a word or two (False). After a long
        breath the detector waits longer, because recordings pause like that.
        """
        people = [seen for seen in self.witness.to_agent() if seen.verdict and seen.verdict.since_speech_end_s]
        if sentence is not None:
            index = TruthIndex(self.truths)
            people = [seen for seen in people if _said_a_sentence(seen, index) is sentence]
        return [1000 * (seen.verdict.since_speech_end_s or 0.0) for seen in people if seen.verdict]


def _said_a_sentence(seen: Seen, index: TruthIndex) -> bool | None:
    """What the network knows of the one who answered; None for a number that it does not know."""
    truth = index.find(seen.attempt.phone, seen.attempt.planned_at_s)
    return truth.behaviour is Behaviour.PERSON_SENTENCE if truth else None


def _any(heard: list[float]) -> bool:
    return any(0 <= late_s < _LATEST_S for late_s in heard)


def _percentiles(values: list[float]) -> dict[str, float | int]:
    if not values:
        return {"count": 0}
    p50, p95, p99 = np.percentile(values, [50, 95, 99])
    return {"count": len(values), "p50": round(float(p50), 1), "p95": round(float(p95), 1), "p99": round(float(p99), 1)}


def progress(witness: Witness, elapsed_s: float, seconds: float, now_s: float, so_far: DemoResult) -> Table:
    """One screen of live figures."""
    states, outcomes = witness.states(), witness.outcomes()
    people = sum(count for outcome, count in outcomes.items() if outcome.answered_by_person)
    latency = _percentiles(so_far.latencies_ms())
    table = Table.grid(padding=(0, 3))
    bar = "█" * int(30 * min(1.0, elapsed_s / seconds)) + "·" * (30 - int(30 * min(1.0, elapsed_s / seconds)))
    table.add_row("time", f"{elapsed_s:5.0f} of {seconds:.0f} s  {bar}")
    table.add_row("dialling", str(states[AttemptState.DIALING] + states[AttemptState.PLANNED]))
    table.add_row("ringing", str(states[AttemptState.RINGING]))
    table.add_row("listening (AMD)", str(states[AttemptState.ANSWERED] + states[AttemptState.SCREENING]))
    table.add_row("talking", str(states[AttemptState.BRIDGED]))
    table.add_row("answered", str(witness.count_reached(AttemptState.ANSWERED)))
    table.add_row("people / machines", f"{people + states[AttemptState.BRIDGED]} / {outcomes[Outcome.MACHINE]}")
    table.add_row("abandoned", str(outcomes[Outcome.ABANDONED]))
    table.add_row("occupancy", f"{100 * witness.occupancy_now(now_s):.0f} %")
    table.add_row("verdict to agent's ear", f"p50 {latency['p50']:.0f} ms" if latency["count"] else "-")
    return table


def summary(result: DemoResult) -> Group:
    """The end of the demo, for a person."""
    values = result.values()
    facts = Table.grid(padding=(0, 3))
    facts.add_row("attempts", f"{values['attempts']} in {values['seconds']:.0f} s, pace: {values['law']}")
    facts.add_row(
        "people answered",
        f"{values['people_answered']}: {values['bridged']} talked with an agent, "
        f"{values['abandoned']} abandoned ({values['abandonment_pct']} %), "
        f"{values['outcomes'].get(Outcome.CUSTOMER_HUNG_UP.value, 0)} hung up before anybody could",
    )
    facts.add_row("machines", str(values["machines"]))
    facts.add_row("occupancy", f"{100 * values['occupancy']:.1f} % of the agents' time talking or wrapping up;")
    if result.witness.first_half_s:
        later = f"{100 * values['occupancy_second_half']:.1f} % in the second half, when pacing knew how many answer"
        facts.add_row("", later)
    facts.add_row("verdict to agent's ear", _spread(values["verdict_to_agent_audio_ms"]))
    facts.add_row("verdict after greeting", _spread(values["verdict_after_greeting_ms"]))
    words, sentence = values["verdict_after_words_ms"], values["verdict_after_sentence_ms"]
    facts.add_row("", f"after a word or two {_middle(words)}, after a sentence {_middle(sentence)}")
    facts.add_row("recordings", values["recordings"])
    return Group(
        facts,
        "",
        _outcome_table(values),
        "",
        _confusion_table(values["amd_confusion"]),
        "",
        _invariant_table(values["invariants"]),
        *(Text(trouble, style="yellow") for trouble in values["troubles"]),
    )


def _spread(spread: dict[str, float | int]) -> str:
    if not spread["count"]:
        return "nothing measured"
    return f"p50 {spread['p50']} ms, p95 {spread['p95']} ms, p99 {spread['p99']} ms ({spread['count']} calls)"


def _middle(spread: dict[str, float | int]) -> str:
    return f"p50 {spread['p50']} ms ({spread['count']})" if spread["count"] else "nobody"


def _outcome_table(values: dict[str, Any]) -> Table:
    table = Table(title="Outcomes", title_justify="left", box=None, pad_edge=False)
    table.add_column("outcome")
    table.add_column("attempts", justify="right")
    for outcome, count in sorted(values["outcomes"].items(), key=lambda item: -item[1]):
        table.add_row(outcome, str(count))
    return table


def _confusion_table(counts: dict[str, dict[str, int]]) -> Table:
    verdicts = sorted({verdict for row in counts.values() for verdict in row})
    table = Table(
        title="What the network was (rows) and what AMD said (columns)", title_justify="left", box=None, pad_edge=False
    )
    table.add_column("")
    for verdict in verdicts:
        table.add_column(verdict, justify="right")
    for truth, row in sorted(counts.items()):
        table.add_row(truth, *(str(row.get(verdict, "")) for verdict in verdicts))
    return table


def _invariant_table(invariants: dict[str, int]) -> Table:
    table = Table(title="Invariants", title_justify="left", box=None, pad_edge=False)
    table.add_column("")
    table.add_column("")
    for name, broken in invariants.items():
        table.add_row("[green]held[/green]" if not broken else f"[red]broken {broken} times[/red]", name)
    return table


__all__ = ["DemoResult", "Seen", "progress", "summary"]
