"""In words: why nothing, or so much, was dialled at a moment. English and Spanish, from a campaign's trace."""

from collections import Counter, deque
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from dialer.pacing.plan import AgentActivity, FlightStage, Plan, Snapshot
from dialer.pacing.trace.codec import Reader
from dialer.pacing.trace.phrases import bound_words, phrases
from dialer.pacing.trace.records import TraceError, read_lines

# A plan is made every second: an older one does not explain a moment.
_FRESH_S = 3.0
# Refusals by rules that explain why the hopper is empty.
_LATELY_S = 600.0
_MOST_REASONS = 3


@dataclass(slots=True)
class Moment:
    """What the trace holds of one moment. held: why nothing was planned; refused: leads that rules forbade lately."""

    about: dict[str, str] = field(default_factory=dict)
    snapshot: Snapshot | None = None
    plan: Plan | None = None
    held: str = ""
    held_s: float = 0.0
    fell: str = ""
    refused: Counter[str] = field(default_factory=Counter)
    last_s: float = 0.0


def when(text: str, zone: str, day: str, latest_s: float) -> float:
    """A moment (UTC) from 10:31:07, or 2026-11-22T10:31:07, by the campaign's clock. Raises TraceError.

    day: YYYY-MM-DD; "": the day of the trace's latest plan.
    """
    try:
        if "T" in text:
            return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()
        date = day or datetime.fromtimestamp(latest_s, ZoneInfo(zone)).date().isoformat()
        return datetime.fromisoformat(f"{date}T{text}").replace(tzinfo=ZoneInfo(zone)).timestamp()
    except ValueError:
        raise TraceError(f"--at: {text!r} is no moment: write 10:31:07, with --day 2026-11-22 if not today") from None


def span_of(files: list[Path]) -> tuple[float, str]:
    """(UTC seconds of the latest plan, time zone) of a trace. Raises TraceError."""
    for file in reversed(files):
        last_s: float = 0.0
        zone: str = "UTC"
        for _, line in read_lines(file):
            zone = str(line.get("time_zone", zone))
            last_s = float(line.get("w") or line.get("at_s") or last_s)
        if last_s:
            return last_s, zone
    raise TraceError(f"{files[-1]}: holds no plan yet: wait a few seconds and ask again")


def moment_at(files: list[Path], at_s: float) -> Moment:
    """What stood in the trace at `at_s` (UTC). Raises TraceError."""
    moment = Moment()
    refusals: deque[tuple[float, str]] = deque()
    for file in files:
        reader = Reader()
        for _, line in read_lines(file):
            if line["k"] == "start":
                moment.about = {name: str(line[name]) for name in ("campaign_id", "time_zone", "language")}
                continue
            if line["k"] == "plan":
                seen = reader.read(line)
                moment.last_s = line["w"]
                if line["w"] > at_s:
                    break
                moment.snapshot, moment.plan = seen
                moment.held, moment.fell = "", ""
            elif line.get("w", 0.0) <= at_s:
                _note(moment, refusals, line)
        if moment.last_s > at_s:
            break
    moment.refused = Counter(words for refused_s, words in refusals if refused_s > at_s - _LATELY_S)
    return moment


def _note(moment: Moment, refusals: deque[tuple[float, str]], line: dict[str, object]) -> None:
    why = str(line.get("why", ""))
    match line["k"]:
        case "held":
            moment.held, moment.held_s = why, float(str(line["w"]))
        case "fell":
            moment.fell = why
        case "refused":
            refusals.append((float(str(line["w"])), why))


def explain(moment: Moment, at_s: float, language: str) -> list[str]:
    """The answer, line by line."""
    say = phrases(language)
    zone = ZoneInfo(moment.about.get("time_zone", "UTC"))
    clock = datetime.fromtimestamp(at_s, zone).strftime("%H:%M:%S")
    snapshot, plan = moment.snapshot, moment.plan
    if moment.held:
        return [say["held"].format(clock=clock, why=say.get(moment.held, moment.held))]
    if snapshot is None or plan is None or at_s - snapshot.wall_s > _FRESH_S:
        return [say["no_record"].format(clock=clock) + _nearest(moment, at_s, zone, say)]
    lines = [_headline(clock, snapshot, plan, language)]
    lines += _leads(moment, plan, language)
    lines.append(_team(snapshot, language))
    lines += _forecast(plan, language)
    lines.append(_budget(snapshot, language))
    if moment.fell:
        lines.append(say["fell"].format(why=say.get(moment.fell, moment.fell)))
    return lines


def _nearest(moment: Moment, at_s: float, zone: ZoneInfo, say: dict[str, str]) -> str:
    """Which plans there are instead: whoever asked may have meant another day, or another clock."""
    before_s = moment.snapshot.wall_s if moment.snapshot else 0.0
    found = (("plan_before", before_s), ("plan_after", moment.last_s if moment.last_s > at_s else 0.0))
    at = {name: datetime.fromtimestamp(plan_s, zone) for name, plan_s in found if plan_s}
    return "".join(say[name].format(at=f"{moment_:%Y-%m-%d %H:%M:%S}", zone=zone) for name, moment_ in at.items())


def _headline(clock: str, snapshot: Snapshot, plan: Plan, language: str) -> str:
    say, why = phrases(language), bound_words(snapshot, plan, language)
    text = say[_of(plan.place, "placed") if plan.place else "nothing"].format(clock=clock, count=plan.place, why=why)
    gone = len(plan.give_up)
    return text + (say[_of(gone, "gave_up")].format(count=gone) if gone else "")


def _of(count: int, name: str) -> str:
    """The name of a phrase for so many."""
    return f"{name}_one" if count == 1 else name


def _team(snapshot: Snapshot, language: str) -> str:
    agents = Counter(view.activity for view in snapshot.agents)
    stages = Counter(view.stage for view in snapshot.flights)
    ringing = stages[FlightStage.DIALING] + stages[FlightStage.RINGING] + stages[FlightStage.EARLY_MEDIA]
    return phrases(language)["team"].format(
        idle=agents[AgentActivity.IDLE], talking=agents[AgentActivity.TALKING] + agents[AgentActivity.RESERVED],
        wrap_up=agents[AgentActivity.WRAP_UP], paused=agents[AgentActivity.PAUSED], ringing=ringing,
        screening=stages[FlightStage.SCREENING], waiting=stages[FlightStage.WAITING],
    )  # fmt: skip


def _forecast(plan: Plan, language: str) -> list[str]:
    known = dict(plan.forecast)
    lines = []
    if "arm" in known:
        lines.append(phrases(language)["arm"].format(arm="AB"[int(known["arm"])], block=int(known["block"])))
    if "theta" in known and known.get("risk_of_next", 1.0) < 1.0:  # 1: it was not asked, something else bound the plan
        risk, theta = 100 * known["risk_of_next"], 100 * known["theta"]
        lines.append(phrases(language)["forecast"].format(risk=risk, theta=theta))
    return lines


def _budget(snapshot: Snapshot, language: str) -> str:
    today, limits, say = snapshot.today, snapshot.limits, phrases(language)
    share = 100 * today.abandoned / today.people if today.people else 0.0
    target = limits.abandonment_target or limits.abandonment_cap
    text = say["budget"].format(
        abandoned=today.abandoned, people=today.people, share=share, cap=100 * limits.abandonment_cap,
        target=100 * target,
    )  # fmt: skip
    return text + (say["lowered"].format(rule=limits.cap_rule) if limits.cap_rule else "")


def _leads(moment: Moment, plan: Plan, language: str) -> list[str]:
    if plan.bound_by != "leads" or not moment.refused:
        return []
    reasons = "; ".join(f"{count} x {words}" for words, count in moment.refused.most_common(_MOST_REASONS))
    count = moment.refused.total()
    return [phrases(language)[_of(count, "refused")].format(count=count, reasons=reasons)]
