"""Far ends drawn from distributions: whole campaigns without audio, for pacing runs and tests of the engine."""

import itertools
import math
import random
from dataclasses import dataclass

from telephony.sim.far_end import FarEnd
from telephony.sim.network import Maker


@dataclass(frozen=True, slots=True)
class Crowd:
    """Who is behind the numbers of a list. Shares of all numbers; what is left over never answers.

    Ring, talk times: log-normal by mean and coefficient of variation (sd / mean). patience_s: how long a person waits
    after the greeting for somebody to speak, uniform between the two. hang_up_at_once: share of people who leave
    half a second after their greeting whoever is there.
    """

    people: float = 0.25
    machines: float = 0.35
    unallocated: float = 0.10
    busy: float = 0.05
    congestion: float = 0.01
    ring_mean_s: float = 12.0
    ring_cv: float = 0.5
    talk_mean_s: float = 150.0
    talk_cv: float = 0.9
    greeting_s: tuple[float, float] = (0.5, 1.5)
    patience_s: tuple[float, float] = (3.0, 8.0)
    hang_up_at_once: float = 0.05
    machine_greeting_s: tuple[float, float] = (4.0, 15.0)

    def __post_init__(self) -> None:
        """Refuse shares that are more than everybody."""
        shares = (self.people, self.machines, self.unallocated, self.busy, self.congestion)
        if min(shares) < 0 or sum(shares) > 1 + 1e-9:
            raise ValueError(f"shares of a crowd must be at least 0 and add up to at most 1, not {shares}")

    def draw(self, rng: random.Random) -> FarEnd:
        """One far end."""
        kinds = ("person", "machine", "unallocated", "busy", "congestion")
        shares = (self.people, self.machines, self.unallocated, self.busy, self.congestion)
        kind = rng.choices((*kinds, "no answer"), (*shares, max(0.0, 1.0 - sum(shares))))[0]
        ring_s = log_normal(rng, self.ring_mean_s, self.ring_cv)
        if kind == "person":
            return self._person(rng, ring_s)
        if kind == "machine":
            return FarEnd.voicemail(ring_s, rng.uniform(*self.machine_greeting_s))
        if kind == "no answer":
            return FarEnd.no_answer()
        status = {"unallocated": 404, "busy": 486, "congestion": 503}[kind]
        return FarEnd.refused(status, rng.uniform(2.0, 4.0))

    def maker(self, seed: int) -> Maker:
        """A `Network` default: what the n-th call to a number meets depends on seed, number and n alone."""
        counters: dict[str, itertools.count[int]] = {}

        def make(endpoint: str) -> FarEnd:
            nth = next(counters.setdefault(endpoint, itertools.count()))
            return self.draw(random.Random(f"{seed}/{endpoint}/{nth}"))

        return make

    def _person(self, rng: random.Random, ring_s: float) -> FarEnd:
        greeting_s = rng.uniform(*self.greeting_s)
        if rng.random() < self.hang_up_at_once:
            return FarEnd.person_who_hangs_up(ring_s, greeting_s)
        talk_s = log_normal(rng, self.talk_mean_s, self.talk_cv)
        return FarEnd.person(ring_s, greeting_s, rng.uniform(*self.patience_s), talk_s)


def log_normal(rng: random.Random, mean: float, cv: float) -> float:
    """One value of a log-normal distribution with this mean and coefficient of variation."""
    variance = math.log1p(cv * cv)
    return rng.lognormvariate(math.log(mean) - variance / 2, math.sqrt(variance))
