"""Two ways of pacing inside one campaign, by turns that chance decides: what a claim about a law has to stand on.

Turns are counted by the wall clock, so a restart goes on with the same order; two turns in a row are A and B in an
order that a coin with a seed decides. Both laws hear and see everything all the time; only one of them decides.
"""

import random
from dataclasses import replace
from typing import cast

from campaigns.campaign import AbTest, PacingSettings
from dialer.pacing.plan import PacingEvent, PacingLaw, Plan, Snapshot, WatchingLaw

ARMS = ("A", "B")


def block_of(wall_s: float, test: AbTest) -> int:
    """The number of the turn that a moment (seconds since 1970, UTC) lies in."""
    return int(wall_s // test.block_s)


def arm_of(block: int, test: AbTest) -> int:
    """Whose turn it is: 0 is A, 1 is B. Turns 2n and 2n+1 are a pair, one of each."""
    first = random.Random(f"{test.seed}:{block // 2}").randrange(2)
    return first if block % 2 == 0 else 1 - first


class AbLaw:
    """Hands each moment to the law whose turn it is. Plans say so in their forecast: ("arm", 0 or 1), ("block", n)."""

    def __init__(self, first: PacingLaw, second: PacingLaw, pacing: PacingSettings, test: AbTest) -> None:
        """`first` plans with `pacing`, `second` with the test's settings."""
        self.name = f"{first.name} | {second.name}"
        self.test = test
        self.laws = (first, second)
        self._settings = (pacing, test.pacing)

    def observe(self, event: PacingEvent) -> None:
        """Both learn from every call."""
        for law in self.laws:
            law.observe(event)

    def watch(self, snapshot: Snapshot) -> None:
        """Learn from a moment in which another law decides."""
        for law in self.laws:
            _watch(law, snapshot)

    def plan(self, snapshot: Snapshot) -> Plan:
        """The plan of the law whose turn it is."""
        block = block_of(snapshot.wall_s, self.test)
        arm = arm_of(block, self.test)
        looks = [self._seen_by(index, snapshot) for index in (0, 1)]
        _watch(self.laws[1 - arm], looks[1 - arm])
        plan = self.laws[arm].plan(looks[arm])
        return replace(plan, forecast=(("arm", float(arm)), ("block", float(block)), *plan.forecast))

    def _seen_by(self, arm: int, snapshot: Snapshot) -> Snapshot:
        """Each arm has its own cap and target; a cap that a rule lowered holds for both."""
        settings, cap = self._settings[arm], snapshot.limits.abandonment_cap
        lowered = min(cap, settings.abandonment_cap) if snapshot.limits.cap_rule else settings.abandonment_cap
        target = min(settings.abandonment_target, lowered)
        return replace(snapshot, limits=replace(snapshot.limits, abandonment_cap=lowered, abandonment_target=target))


def _watch(law: PacingLaw, snapshot: Snapshot) -> None:
    if hasattr(law, "watch"):
        cast(WatchingLaw, law).watch(snapshot)
