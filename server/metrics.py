"""What Prometheus may know: counts and times, never a number, a name or a digit."""

from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from agents.digital import DigitalStep, Occupancy
from agents.first_contact import FirstContacts
from campaigns.attempt import AttemptState
from dialer.events import (
    AgentMoved,
    AttemptMoved,
    ConversationEnded,
    DialerEvent,
    Doubted,
    LinkChanged,
    PersonConnected,
    PlanMade,
    Trouble,
    VerdictSaid,
)
from dialer.inbound.events import CallOver, TalkOver, WaitEnded
from ivr.events import FlowEvent, NodeLeft, SessionEnded, SurveyAnswered
from telephony.ami.events import AmiEvent, MediaQuality, RegistrationChanged
from telephony.events import LinkState

_SECONDS = (0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800)
_LATENCY_S = (0.005, 0.01, 0.02, 0.03, 0.04, 0.06, 0.1, 0.2, 0.5, 1, 2)
_JITTER_MS = (1, 2, 5, 10, 20, 40, 80, 160)
_LOSS = (0.0, 0.005, 0.01, 0.02, 0.05, 0.1, 0.3)
_VERDICT_S = (0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 2.5, 3, 4, 5)


class _Kept(Collector):
    """Counts that reach their counters when somebody asks: a counter's own way in costs twenty times a dictionary's."""

    def __init__(self) -> None:
        self._counts: dict[tuple[Counter, tuple[str, ...]], int] = {}

    def inc(self, counter: Counter, labels: tuple[str, ...]) -> None:
        """One more."""
        key = counter, labels
        self._counts[key] = self._counts.get(key, 0) + 1

    def describe(self) -> Iterable[Metric]:
        """No metric of its own."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """Hand the counts on; no metric of its own."""
        counts, self._counts = self._counts, {}
        for (counter, labels), count in counts.items():
            counter.labels(*(str(label) for label in labels)).inc(count)
        return ()


class Metrics:
    """The node's metrics. `take` every event of the engine."""

    def __init__(self) -> None:
        """Make the metrics in a registry of their own."""
        self.registry = CollectorRegistry()
        registry = self.registry
        self._kept = _Kept()
        registry.register(self._kept)  # before the counters: asked for first
        self.moves = Counter("timbre_attempt_moves", "Attempt state moves", ["campaign", "state"], registry=registry)
        self.outcomes = Counter(
            "timbre_attempt_outcomes", "Ended attempts by outcome", ["campaign", "outcome"], registry=registry
        )
        self.verdicts = Counter("timbre_amd_verdicts", "AMD verdicts", ["campaign", "verdict"], registry=registry)
        self.verdict_s = Histogram(
            "timbre_amd_verdict_seconds", "Verdict after answer", ["verdict"], buckets=_VERDICT_S, registry=registry
        )
        self.doubts = Counter(
            "timbre_amd_doubts",
            "Calls with an agent that AMD came to doubt",
            ["campaign", "verdict"],
            registry=registry,
        )
        self.amd_drift = Gauge(
            "timbre_amd_drift",
            "How far AMD's verdicts moved against earlier days, while in alarm",
            ["campaign", "trunk", "what"],
            registry=registry,
        )
        self.bridge_s = Histogram(
            "timbre_verdict_to_bridge_seconds",
            "Verdict to bridge, an agent being free",
            buckets=_LATENCY_S,
            registry=registry,
        )
        self.talk_s = Histogram(
            "timbre_talk_seconds", "Conversations", ["campaign"], buckets=_SECONDS, registry=registry
        )
        self.agent_s = Counter("timbre_agent_state_seconds", "Time of agents by state", ["state"], registry=registry)
        self.planned = Counter(
            "timbre_calls_planned", "Calls that pacing asked for", ["campaign", "law"], registry=registry
        )
        self.troubles = Counter("timbre_troubles", "Troubles by where they came from", ["where"], registry=registry)
        self.rtp_jitter_ms = Histogram(
            "timbre_rtp_jitter_ms", "Jitter in RTCP reports", ["side"], buckets=_JITTER_MS, registry=registry
        )
        self.rtp_loss = Histogram(
            "timbre_rtp_loss_ratio", "Loss in RTCP reports", ["side"], buckets=_LOSS, registry=registry
        )
        self.registrations = Counter(
            "timbre_trunk_registration_changes", "Registrations at carriers", ["registered"], registry=registry
        )
        self.link_up = Gauge("timbre_exchange_link_up", "1 while the exchange answers", registry=registry)
        self.loop_lag_s = Histogram(
            "timbre_event_loop_lag_seconds", "How late timers fire", buckets=_LATENCY_S, registry=registry
        )

        self.occupancy = Gauge(
            "timbre_agent_occupancy_ratio",
            "Of agents' paid time: voice is talk and wrap-up, productive has digital work besides",
            ["kind"],
            registry=registry,
        )
        self.digital = Counter("timbre_digital_steps", "Steps of digital items", ["channel", "step"], registry=registry)

        self.calls_in = Counter(
            "timbre_inbound_calls", "Calls from outside by how they ended", ["how"], registry=registry
        )
        self.waits = Counter("timbre_queue_waits", "Waits by how they ended", ["queue", "how"], registry=registry)
        self.answered_in_time = Counter(
            "timbre_queue_answered_in_time", "Answered within the service level", ["queue"], registry=registry
        )
        self.wait_s = Histogram(
            "timbre_queue_wait_seconds", "Waits of answered callers", ["queue"], buckets=_SECONDS, registry=registry
        )
        self.flow_nodes = Counter(
            "timbre_flow_nodes", "Nodes that callers left", ["flow", "node", "branch"], registry=registry
        )
        self.flow_left = Counter(
            "timbre_flow_callers_left", "Callers who hung up at a node", ["flow", "node"], registry=registry
        )
        self.flow_ends = Counter(
            "timbre_flow_ends", "Walks by how they ended", ["flow", "exit", "contained"], registry=registry
        )
        self.first_contact = Gauge(
            "timbre_first_contact_resolution_ratio",
            "Served callers who did not call the same line again in time, of 30 days whose callers have had that time",
            ["days"],
            registry=registry,
        )
        self.first_contacts = Gauge(
            "timbre_first_contacts",
            "What it is made of: contacts, came_back, and anonymous callers who are left out",
            ["what"],
            registry=registry,
        )
        self.survey = Counter(
            "timbre_survey_answers", "Survey answers", ["flow", "question", "score"], registry=registry
        )

    def watch_occupancy(self, look: Callable[[], Occupancy | None]) -> None:
        """Ask `look` at every scrape."""
        self.occupancy.labels("voice").set_function(lambda: seen.voice if (seen := look()) else 0.0)
        self.occupancy.labels("productive").set_function(lambda: seen.productive if (seen := look()) else 0.0)

    def show_first_contacts(self, found: FirstContacts, days: float) -> None:
        """Show the latest count. Without contacts there is no ratio: a zero would be a lie."""
        for what in ("contacts", "came_back", "anonymous"):
            self.first_contacts.labels(what).set(getattr(found, what))
        self.first_contact.clear()
        if found.resolution is not None:
            self.first_contact.labels(f"{days:g}").set(found.resolution)

    def take_digital(self, step: DigitalStep) -> None:
        """Count what happens to digital items."""
        self.digital.labels(step.item.channel, step.kind.value).inc()

    def _inc(self, counter: Counter, *labels: str) -> None:
        """Count one of what happens with every call."""
        self._kept.inc(counter, labels)

    def take_flow(self, event: FlowEvent) -> None:
        """Count what happens in flows."""
        match event:
            case NodeLeft(flow=flow, node=node, caller_left=True):
                self.flow_left.labels(flow, node).inc()
            case NodeLeft(flow=flow, node=node, branch=branch):
                self.flow_nodes.labels(flow, node, branch).inc()
            case SessionEnded(flow=flow, exit=how, contained=contained):
                self.flow_ends.labels(flow, how.value, str(contained).lower()).inc()
            case SurveyAnswered(flow=flow, question=question, score=score):
                self.survey.labels(flow, question, str(score)).inc()
            case _:
                pass

    def take_ami(self, event: AmiEvent) -> None:
        """Count what the manager interface sees."""
        match event:
            case MediaQuality(sent=sent, jitter_ms=jitter_ms, lost_fraction=lost_fraction):
                side = "sent" if sent else "received"
                self.rtp_jitter_ms.labels(side).observe(jitter_ms)
                self.rtp_loss.labels(side).observe(lost_fraction)
            case RegistrationChanged(registered=registered):
                self.registrations.labels(str(registered).lower()).inc()
            case _:
                pass

    def take(self, event: DialerEvent) -> None:
        """Count one event."""
        match event:
            case AttemptMoved(attempt=attempt):
                self._inc(self.moves, attempt.campaign_id, attempt.state)
                if attempt.state is AttemptState.ENDED and attempt.outcome:
                    self._inc(self.outcomes, attempt.campaign_id, attempt.outcome)
            case VerdictSaid(campaign_id=campaign_id, verdict=verdict):
                self.verdicts.labels(campaign_id, verdict.call_class.value).inc()
                if not verdict.early_media:
                    self.verdict_s.labels(verdict.call_class.value).observe(verdict.since_answer_s)
            case Doubted(campaign_id=campaign_id, verdict=verdict):
                self.doubts.labels(campaign_id, verdict.call_class.value).inc()
            case PersonConnected(agent_was_free=True):
                self.bridge_s.observe(event.bridged_at_s - event.verdict_at_s)
            case ConversationEnded(campaign_id=campaign_id, talk_s=talk_s):
                self.talk_s.labels(campaign_id).observe(talk_s)
            case AgentMoved(move=move):
                self.agent_s.labels(move.source.value).inc(max(0.0, move.lasted_s))
            case PlanMade(campaign_id=campaign_id, law=law, plan=plan):
                self.planned.labels(campaign_id, law).inc(plan.place)
            case LinkChanged(state=state):
                self.link_up.set(1 if state is LinkState.UP else 0)
            case WaitEnded(queue=queue, how=how, waited_s=waited_s, in_time=in_time):
                self.waits.labels(queue, how).inc()
                if how == "answered":
                    self.wait_s.labels(queue).observe(waited_s)
                    self.answered_in_time.labels(queue).inc(int(in_time))
            case CallOver(how=how):
                self.calls_in.labels(how).inc()
            case TalkOver(queue=queue, talk_s=talk_s):
                self.talk_s.labels(queue or "direct").observe(talk_s)
            case Trouble(where=where):
                self.troubles.labels(where).inc()
            case _:
                pass
