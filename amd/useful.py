"""Which kept calls teach most when a person listens to them."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from amd.kept import KeptCall, Label
from amd.verdict import CallClass

MACHINE_CODES = frozenset(
    {"machine", "answering_machine", "voicemail", "am", "contestador", "buzon", "buzon_de_voz", "maquina"}
)
"""Codes by which agents usually say that a machine answered; a centre names its own in `amd.collect.machine_codes`."""
_SPEAKERS = (CallClass.HUMAN, CallClass.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A call worth a label: how much (0 to 1), and why in words."""

    call: KeptCall
    worth: float
    why: str


def worth_of(call: KeptCall, machine_codes: Collection[str] = MACHINE_CODES) -> Candidate:
    """An agent who contradicts the verdict teaches most, then a verdict that was taken back, then an unsure one."""
    first, last = call.first, call.last
    if first is None:
        return Candidate(call, 0.3, "no verdict before its end")
    agents_machine = [code for code in call.dispositions if code in machine_codes]
    agents_person = [code for code in call.dispositions if code not in machine_codes]
    if first.call_class in _SPEAKERS and agents_machine:
        return Candidate(call, 1.0, f"the agent says {agents_machine[0]}, the verdict was {first.call_class.value}")
    if last and last.call_class is CallClass.MACHINE and first.call_class in _SPEAKERS:
        if agents_person:
            return Candidate(call, 0.97, f"called probably a machine, the agent says {agents_person[0]}")
        return Candidate(call, 0.9, f"{first.call_class.value}, taken back: {last.cause}")
    if first.call_class is CallClass.MACHINE and last and last.call_class is CallClass.HUMAN:
        return Candidate(call, 0.95, f"machine, then a person: {last.cause}")
    if first.call_class is CallClass.UNKNOWN:
        told = f", the agent says {agents_person[0]}" if agents_person else ""
        return Candidate(call, 0.8, f"no safe verdict{told}")
    unsure = 1.0 - first.probability
    return Candidate(call, min(0.75, 1.5 * unsure), f"{first.call_class.value} with {first.probability:.2f}")


def most_useful(
    calls: Iterable[KeptCall], labels: dict[str, Label], machine_codes: Collection[str] = MACHINE_CODES
) -> list[Candidate]:
    """Calls without a label, best first. Calls drawn for the audit are left out: choosing them would spoil the lot."""
    found = [worth_of(call, machine_codes) for call in calls if call.call_id not in labels and not call.audit]
    return sorted(found, key=lambda each: (-each.worth, each.call.call_id))


def to_audit(calls: Iterable[KeptCall], labels: dict[str, Label]) -> Sequence[Candidate]:
    """Calls drawn by lot whose verdict gave them up, in their order: their labels say how many people are lost."""
    return [
        Candidate(call, 1.0, "drawn by lot")
        for call in calls
        if call.audit and call.call_id not in labels and call.answered and call.first and gave_up(call.first.call_class)
    ]


def gave_up(said: CallClass) -> bool:
    """Whether a verdict kept a call from an agent."""
    return said not in _SPEAKERS
