"""What each turn of an A/B test brought, counted from the plans themselves, and an honest comparison of the two."""

import math
import random
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from itertools import product
from statistics import fmean, stdev
from typing import Any

from campaigns.campaign import Campaign
from dialer.pacing.ab import ARMS, arm_of, block_of
from dialer.pacing.plan import AgentActivity, Plan, Snapshot, Tally
from dialer.pacing.students import t95

# Of six pairs the smallest possible p is 2/64 = 0.03: with fewer nothing can be told from chance.
FEWEST_PAIRS = 6
_EXACT_PAIRS, _SHUFFLES = 14, 20_000
_LONGEST_STEP_S = 5.0
_BUSY = (AgentActivity.TALKING, AgentActivity.WRAP_UP)


@dataclass(frozen=True, slots=True)
class Block:
    """One turn, without the time to settle. agent_s: paid time (not paused); busy_s: talk and wrap-up; counts of calls.

    settings: a name for the pair of settings that are compared; turns of other settings are not mixed with them.
    """

    block: int
    arm: str
    settings: str
    from_s: float
    to_s: float
    agent_s: float
    busy_s: float
    placed: int
    people: int
    abandoned: int

    def line(self) -> dict[str, Any]:
        """As it is kept."""
        return {"k": "block"} | asdict(self)

    @property
    def occupancy_pct(self) -> float:
        """Talk and wrap-up of paid time."""
        return 100.0 * self.busy_s / self.agent_s if self.agent_s else 0.0


def block_from(line: dict[str, Any]) -> Block:
    """A kept line. Raises KeyError when it is none."""
    return Block(**{each.name: line[each.name] for each in fields(Block)})


class BlockBook:
    """Sums up the plans of a campaign by turns."""

    def __init__(self, campaign: Campaign) -> None:
        """The campaign's `ab` says how long turns are."""
        assert campaign.ab is not None
        self._test = campaign.ab
        self._settings = settings_name(campaign)
        self._last: Snapshot | None = None
        self._open: dict[str, Any] | None = None
        self._began: Tally = Tally()

    def take(self, snapshot: Snapshot, plan: Plan) -> Block | None:
        """Add one moment; the turn before when a new one begins."""
        block = block_of(snapshot.wall_s, self._test)
        done = None
        if self._open is None or self._open["block"] != block:
            done, self._open = self._close(), None
            self._last = None
        if snapshot.wall_s - block * self._test.block_s < self._test.settle_s:
            return done
        if self._open is None:
            self._open = {
                "block": block, "arm": ARMS[arm_of(block, self._test)], "settings": self._settings,
                "from_s": snapshot.wall_s, "to_s": snapshot.wall_s, "agent_s": 0.0, "busy_s": 0.0,
            }  # fmt: skip
            self._began = snapshot.today
        self._add(snapshot)
        return done

    def _add(self, snapshot: Snapshot) -> None:
        assert self._open is not None
        if self._last is not None:
            step_s = snapshot.now_s - self._last.now_s
            if 0.0 < step_s <= _LONGEST_STEP_S:
                busy = sum(view.activity in _BUSY for view in self._last.agents)
                paid = sum(view.activity is not AgentActivity.PAUSED for view in self._last.agents)
                self._open["busy_s"] += busy * step_s
                self._open["agent_s"] += paid * step_s
        self._open["to_s"] = snapshot.wall_s
        self._last = snapshot

    def _close(self) -> Block | None:
        if self._open is None or self._last is None:
            return None
        today, began = self._last.today, self._began
        return Block(
            **self._open, placed=today.placed - began.placed, people=today.people - began.people,
            abandoned=today.abandoned - began.abandoned,
        )  # fmt: skip


def settings_name(campaign: Campaign) -> str:
    """Both ways of pacing, in words short enough for a line."""
    assert campaign.ab is not None
    sides = (campaign.pacing, campaign.ab.pacing)
    return " | ".join(
        f"{side.law.value} aim {side.abandonment_target:g} cap {side.abandonment_cap:g} ratio {side.ratio:g}"
        for side in sides
    )


@dataclass(frozen=True, slots=True)
class Contrast:
    """B less A, in points. half: half of the 95 % interval (Student's t over pairs); p: of the sign-flip test."""

    a: float
    b: float
    difference: float
    half: float
    p: float


@dataclass(frozen=True, slots=True)
class AbResult:
    """A comparison. occupancy, abandonment: None with too few pairs of turns."""

    settings: str
    pairs: int
    blocks: int
    people: tuple[int, int]
    abandoned: tuple[int, int]
    occupancy: Contrast | None
    abandonment: Contrast | None


def compare_blocks(blocks: Iterable[Block], settings: str, least_s: float) -> AbResult:
    """Pair the turns and test them: what is random is which of a pair came first, so signs of pairs are flipped.

    least_s: a turn that was measured for less (the campaign was paused, the server restarted) is left out, and its
    partner with it.
    """
    mine = [block for block in blocks if block.settings == settings and block.to_s - block.from_s >= least_s]
    by_pair: dict[int, dict[str, Block]] = {}
    for block in mine:
        by_pair.setdefault(block.block // 2, {})[block.arm] = block
    pairs = [(pair["A"], pair["B"]) for pair in by_pair.values() if len(pair) == 2]
    people = (sum(a.people for a, _ in pairs), sum(b.people for _, b in pairs))
    abandoned = (sum(a.abandoned for a, _ in pairs), sum(b.abandoned for _, b in pairs))
    enough = len(pairs) >= FEWEST_PAIRS and min(people, default=0) > 0
    return AbResult(
        settings, len(pairs), len(mine), people, abandoned,
        _occupancy(pairs) if enough else None, _abandonment(pairs) if enough else None,
    )  # fmt: skip


def _occupancy(pairs: list[tuple[Block, Block]]) -> Contrast:
    differences = [b.occupancy_pct - a.occupancy_pct for a, b in pairs]
    return Contrast(
        fmean(a.occupancy_pct for a, _ in pairs), fmean(b.occupancy_pct for _, b in pairs), fmean(differences),
        _half(differences), _flip_p(differences),
    )  # fmt: skip


def _abandonment(pairs: list[tuple[Block, Block]]) -> Contrast:
    """Shares of all people of an arm; by turns it would be mostly nought of few. Linearised for the interval."""
    first, second = [a for a, _ in pairs], [b for _, b in pairs]
    share_a, share_b = _share(first), _share(second)
    # What each turn adds to its arm's share, and under one share for both.
    parts_a, parts_b = _parts(first, share_a), _parts(second, share_b)
    terms = [100.0 * len(pairs) * (b - a) for a, b in zip(parts_a, parts_b, strict=True)]
    pooled = _share(first + second)
    scores = [(b.abandoned - pooled * b.people) - (a.abandoned - pooled * a.people) for a, b in pairs]
    return Contrast(100.0 * share_a, 100.0 * share_b, 100.0 * (share_b - share_a), _half(terms), _flip_p(scores))


def _share(blocks: list[Block]) -> float:
    return sum(block.abandoned for block in blocks) / max(1, sum(block.people for block in blocks))


def _parts(blocks: list[Block], share: float) -> list[float]:
    people = max(1, sum(block.people for block in blocks))
    return [(block.abandoned - share * block.people) / people for block in blocks]


def _half(values: list[float]) -> float:
    return t95(len(values) - 1) * stdev(values) / math.sqrt(len(values)) if len(values) > 1 else math.inf


def _flip_p(values: list[float]) -> float:
    """Two-sided p of the sum under random signs: every combination, or 20,000 drawn with a fixed seed."""
    seen = abs(sum(values)) - 1e-12
    if len(values) <= _EXACT_PAIRS:
        ways = list(product((1, -1), repeat=len(values)))
        sums = [abs(sum(sign * value for sign, value in zip(signs, values, strict=True))) for signs in ways]
        return sum(each >= seen for each in sums) / len(ways)
    rng = random.Random(1)
    more = sum(abs(sum(v if rng.random() < 0.5 else -v for v in values)) >= seen for _ in range(_SHUFFLES))
    return (more + 1) / (_SHUFFLES + 1)
