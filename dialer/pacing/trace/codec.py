"""Snapshots and plans as lines: whole ones first, then what changed. Exact: what is read equals what was written.

An agent or a call is a row (state, since when); since when is whole milliseconds of the monotonic clock, so that a row
stays the same while only time passes. A call's list stands behind that as a number, when it is known: the place of the
list's id in the line's names. A moment that this cannot tell exactly is written whole.
"""

from dataclasses import asdict, replace
from typing import Any

from dialer.pacing.plan import AgentActivity, AgentView, FlightStage, FlightView, Limits, Plan, Snapshot, Tally

Line = dict[str, Any]
_ACTIVITY = {each.value: each for each in AgentActivity}
_STAGE = {each.value: each for each in FlightStage}
_LAUNCHING = FlightView("", FlightStage.DIALING, 0.0, 0.0)


class Reader:
    """Turns lines of kind "plan" into snapshots and plans; each line builds on those before it."""

    def __init__(self) -> None:
        """Start with a line that is whole."""
        self._agents: dict[str, list[Any]] = {}
        self._flights: dict[str, list[Any]] = {}
        self._limits = Limits(0, 0.0)
        self._lists: list[str] = []

    def read(self, line: Line) -> tuple[Snapshot, Plan]:
        """The moment that a line tells of."""
        if "whole" in line:
            self._agents, self._flights = {}, {}
        self._lists = line.get("ls", self._lists)
        _change(self._agents, line["a"], line["ax"])
        _change(self._flights, line["f"], line["fx"])
        if "lim" in line:
            self._limits = Limits(**line["lim"])
        return self._snapshot(line), plan_of(line["p"])

    def _snapshot(self, line: Line) -> Snapshot:
        now_s = line["n"]
        agents = tuple(
            AgentView(name, _ACTIVITY[row[0]], _age(now_s, row[1]), row[2]) for name, row in self._agents.items()
        )
        flights = tuple(
            FlightView(name, _STAGE[row[0]], _age(now_s, row[1]), _age(now_s, row[2]), self._list_of(row))
            for name, row in self._flights.items()
        )
        launching = (_LAUNCHING,) * line.get("l", 0)
        launching += tuple(FlightView("", FlightStage.DIALING, 0.0, 0.0, self._lists[at]) for at in line.get("ll", ()))
        rivals = tuple(
            FlightView(row[0], _STAGE[row[1]], row[2], row[3], self._list_of(row[1:])) for row in line.get("r", ())
        )
        shared, my_turn, *of_rivals = line.get("s", (False, True))
        return Snapshot(
            now_s, line["t"], agents, flights + launching, line["up"], Tally(*line["y"]),
            self._limits, line["ld"], rivals, shared, my_turn, line["w"], *of_rivals,
        )  # fmt: skip

    def _list_of(self, row: list[Any]) -> str:
        """Behind state and times."""
        return self._lists[row[3]] if len(row) > 3 else ""


class Writer:
    """Turns snapshots and plans into lines."""

    def __init__(self) -> None:
        """The first line will be whole."""
        self._agents: dict[str, list[Any]] = {}
        self._flights: dict[str, list[Any]] = {}
        self._limits: Limits | None = None
        self._lists: dict[str, int] = {}
        self._check: Reader | None = None

    def write(self, snapshot: Snapshot, plan: Plan) -> Line:
        """The line of a moment."""
        if self._check is None:
            return self._whole(snapshot, plan)
        line = self._line(snapshot, plan)
        if self._check.read(line) != (snapshot, plan):
            return self._whole(snapshot, plan)
        return line

    def _whole(self, snapshot: Snapshot, plan: Plan) -> Line:
        self._agents, self._flights, self._limits, self._lists, self._check = {}, {}, None, {}, Reader()
        line = self._line(snapshot, plan)
        line["whole"] = 1
        if self._check.read(line) != (snapshot, plan):  # times that are no whole milliseconds
            line |= self._raw(snapshot)
            self._check = None  # the next line starts anew
        return line

    def _line(self, snapshot: Snapshot, plan: Plan) -> Line:
        now_s, count, known = snapshot.now_s, _launching(snapshot), len(self._lists)
        flights = snapshot.flights[: len(snapshot.flights) - count]
        agents_now = {
            view.agent_id: [view.activity.value, _since(now_s, view.since_s), view.leaving] for view in snapshot.agents
        }
        flights_now = {
            view.attempt_id: self._row(view, _since(now_s, view.age_s), _since(now_s, view.stage_s)) for view in flights
        }
        line: Line = {"k": "plan", "w": snapshot.wall_s, "n": now_s, "t": snapshot.tick}
        line["a"], line["ax"] = _difference(self._agents, agents_now)
        line["f"], line["fx"] = _difference(self._flights, flights_now)
        today = snapshot.today
        line |= {
            "up": snapshot.calls_up,
            "y": [today.placed, today.answers, today.people, today.machines, today.abandoned],
            "ld": snapshot.leads_ready,
            "p": [plan.place, list(plan.give_up), plan.bound_by, [list(pair) for pair in plan.forecast]],
        }
        if count:
            line |= self._about_to_be_placed(snapshot.flights[-count:])
        if snapshot.limits != self._limits:
            line["lim"] = asdict(snapshot.limits)
        if snapshot.rivals:
            line["r"] = [[view.attempt_id, *self._row(view, view.age_s, view.stage_s)] for view in snapshot.rivals]
        if snapshot.shared or not snapshot.my_turn:
            of_rivals = [snapshot.rival_theta, snapshot.rival_share, snapshot.rival_owes]
            line["s"] = [snapshot.shared, snapshot.my_turn, *of_rivals]
        if len(self._lists) > known:
            line["ls"] = list(self._lists)
        self._agents, self._flights, self._limits = agents_now, flights_now, snapshot.limits
        return line

    def _row(self, view: FlightView, age: Any, stage_age: Any) -> list[Any]:
        row = [view.stage.value, age, stage_age]
        return [*row, self._number(view.list_id)] if view.list_id else row

    def _number(self, list_id: str) -> int:
        return self._lists.setdefault(list_id, len(self._lists))

    def _about_to_be_placed(self, views: tuple[FlightView, ...]) -> Line:
        if any(view.list_id for view in views):
            return {"ll": [self._number(view.list_id) for view in views]}
        return {"l": len(views)}

    def _raw(self, snapshot: Snapshot) -> Line:
        """Rows with ages instead of beginnings: exact for any float."""
        flights = [view for view in snapshot.flights if view.attempt_id]
        return {
            "a": {view.agent_id: [view.activity.value, [view.since_s], view.leaving] for view in snapshot.agents},
            "f": {view.attempt_id: self._row(view, [view.age_s], [view.stage_s]) for view in flights},
        }


def plan_of(row: list[Any]) -> Plan:
    """A plan as it stands in a line."""
    return Plan(row[0], tuple(row[1]), row[2], tuple((name, value) for name, value in row[3]))


def _launching(snapshot: Snapshot) -> int:
    """Calls about to be placed stand last and have no name yet."""
    count = 0
    for view in reversed(snapshot.flights):
        if view.attempt_id or replace(view, list_id="") != _LAUNCHING:
            break
        count += 1
    return count


def _since(now_s: float, age_s: float) -> int:
    return round((now_s - age_s) * 1000)


def _age(now_s: float, since: int | list[float]) -> float:
    return since[0] if isinstance(since, list) else round(now_s - since / 1000, 3)


def _difference(before: dict[str, list[Any]], now: dict[str, list[Any]]) -> tuple[dict[str, list[Any]], list[str]]:
    return {name: row for name, row in now.items() if before.get(name) != row}, [n for n in before if n not in now]


def _change(rows: dict[str, list[Any]], changed: dict[str, list[Any]], gone: list[str]) -> None:
    for name in gone:
        rows.pop(name, None)
    rows.update(changed)
