"""Laws by name, as the simulator runs them."""

import difflib
from dataclasses import dataclass, replace

from dialer.pacing import baselines_core as base
from dialer.pacing.cells import HOUR_FACTS, LIST_FACTS
from dialer.pacing.guarantee import Guarantee, aimed_at
from dialer.pacing.sim import choice


class UnknownLaw(ValueError):
    """There is no such law; the message lists those there are."""


@dataclass(frozen=True, slots=True)
class SimLaw:
    """One law: its number in `choice`, its settings, and whether it needs what nobody can know."""

    name: str
    law: int
    mode: int = 0
    knob: float = 0.0
    think_s: float = 0.0
    oracle: int = 0
    start_ratio: float = 1.2
    give_up: bool = True
    interrupt_share: float = 0.0
    theta_0: float = 0.025
    margin: float = 0.5
    eta: float = 0.3
    by_list: bool = True
    by_hour: bool = False  # one shift holds every hour once: it has nothing to learn from another day
    list_facts: float = LIST_FACTS
    hour_facts: float = HOUR_FACTS
    target: float = 0.0  # the share that is aimed at, when that is less than the cap

    def guarantee(self, cap: float) -> Guarantee:
        """The guarantee's settings for this cap."""
        return aimed_at(Guarantee(cap, self.eta, self.theta_0, 0.74, self.margin), self.target)


_BOTH = choice.ORACLE_CALLS | choice.ORACLE_AGENTS
_HAZARD = SimLaw("hazard", choice.HAZARD)
LAWS = {
    law.name: law
    for law in (
        SimLaw("manual", choice.MANUAL, think_s=15.0),
        SimLaw("preview", choice.PREVIEW, think_s=8.0),
        SimLaw("progressive", choice.RATIO, knob=1.0),
        SimLaw("ratio-2", choice.RATIO, knob=2.0),
        SimLaw("ratio-3", choice.RATIO, knob=3.0),
        SimLaw("vicidial-hard-limit", choice.VICIDIAL, base.HARD_LIMIT, 3.0),
        SimLaw("vicidial-average", choice.VICIDIAL, base.AVERAGE, 3.0),
        SimLaw("vicidial-tapered", choice.VICIDIAL, base.TAPERED, 3.0),
        SimLaw("wombat-boost-2", choice.WOMBAT, knob=2.0),
        SimLaw("issabel", choice.ISSABEL, knob=0.0),
        SimLaw("issabel-asr", choice.ISSABEL, knob=1.0),
        SimLaw("averages", choice.AVERAGES),
        _HAZARD,
        replace(_HAZARD, name="hazard-no-give-up", give_up=False),
        replace(_HAZARD, name="hazard-whole", by_list=False),
        replace(_HAZARD, name="hazard-hours", by_hour=True),
        replace(_HAZARD, name="hazard-target-1", target=0.01),
        replace(_HAZARD, name="hazard-wrap", interrupt_share=0.10, theta_0=0.07, margin=1.0),
        replace(_HAZARD, name="oracle-calls", oracle=choice.ORACLE_CALLS),
        replace(_HAZARD, name="oracle-both", oracle=_BOTH),
    )
}


def law_named(name: str) -> SimLaw:
    """A law by name. Raises UnknownLaw."""
    if (law := LAWS.get(name)) is None:
        close = difflib.get_close_matches(name, LAWS, n=1, cutoff=0.6)
        meant = f"; did you mean {close[0]!r}?" if close else ";"
        raise UnknownLaw(f"--law: there is no law {name!r}{meant} there are {', '.join(LAWS)}")
    return law
