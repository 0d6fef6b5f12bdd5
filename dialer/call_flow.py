"""One attempt from its originate to its outcome, in a straight line.

originate -> ringing (183: listen) -> answered -> AMD -> a person: `connect`; anything else: `machines`. Whatever
happens on the way, the attempt ends with one outcome, and its tap, its reservation and its channel go with it.
"""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from amd.verdict import Verdict
from campaigns.attempt import Attempt, AttemptState
from campaigns.campaign import Campaign
from campaigns.lead import Lead
from campaigns.outcome import Outcome
from dialer.connect import connect, converse
from dialer.early import ending_of
from dialer.ending import Ending
from dialer.events import Trouble
from dialer.evidence import Signalling, trunk_of
from dialer.hearing import Hearing
from dialer.journal import Detail, Journal
from dialer.line import Line, LineGone
from dialer.machines import deal_with
from dialer.pacing.plan import FlightStage, FlightView, PacingEvent, PacingEventKind
from dialer.services import Services
from telephony.causes import outcome_of_hangup, outcome_of_verdict
from telephony.errors import EndpointRefused, LinkDown, OriginateOutcomeUnknown, TelephonyError
from telephony.events import HungUp, LinkState
from telephony.port import OriginateOrder

# The exchange gives up ringing by itself; this much later we do, in case its event was lost.
_RING_GRACE_S = 5.0
# Q.850 "no answer, user alerted": what Asterisk says of its own ring timeout, even of a call that never rang.
_RING_TIMEOUT_Q850 = 19
# A channel that was hung up is gone in milliseconds; its agent's leg is made ready for the next customer after that.
_GONE_S = 1.0
_S = AttemptState
_WAY = (_S.DIALING, _S.ANSWERED, _S.CONNECTING, _S.BRIDGED)
_WAY_TO_BRIDGED: dict[AttemptState, tuple[AttemptState, ...]] = {
    _S.PLANNED: _WAY,
    _S.DIALING: _WAY[1:],
    _S.RINGING: _WAY[1:],
    _S.ANSWERED: _WAY[2:],
    _S.SCREENING: _WAY[2:],
    _S.CONNECTING: _WAY[3:],
    _S.BRIDGED: (),
}
# How often something that may be repeated is asked of an exchange whose link comes and goes.
_TRIES = 3
# An answer that is told within this time of the link's return was given at an unknown time before it.
_TOLD_LATE_S = 0.5

T = TypeVar("T")


class CallFlow:
    """One attempt. Run it once; `view` shows pacing where it is, `give_up` takes it back while it rings."""

    def __init__(
        self,
        services: Services,
        campaign: Campaign,
        lead: Lead,
        attempt: Attempt,
        observe: Callable[[PacingEvent], None],
        *,
        endpoint: str,
        agent_id: str | None = None,
    ) -> None:
        """Follow `attempt`, whose row is committed. agent_id: claimed already (manual, preview): no AMD, no waiting."""
        self.services = services
        self.campaign = campaign
        self.lead = lead
        self.journal = Journal(attempt, services.log, services.clock, services.sink)
        self.endpoint = endpoint
        self.agent_id = agent_id
        self.abandoning = False
        self._observe = observe
        self._line: Line | None = None
        self._giving_up = False
        self._prompts = 0
        self._stage = FlightStage.DIALING
        self._born_s = self._stage_since_s = services.clock.monotonic_s()
        self._signalling = Signalling(self._born_s, trunk_of(endpoint))
        self.hearing = Hearing(services, campaign, attempt, self._signalling)

    @property
    def attempt_id(self) -> str:
        """The attempt's id."""
        return self.journal.attempt.attempt_id

    @property
    def got_through(self) -> bool:
        """Whether the network did anything with the call but turn it down: it rang, spoke or was answered."""
        return self._stage is not FlightStage.DIALING

    def view(self) -> FlightView | None:
        """Where the call is, for pacing; None once it is bridged or dealt with."""
        if (
            self.journal.state in (AttemptState.BRIDGED, AttemptState.ENDED)
            or self.hearing.is_no_person
            or self.abandoning
        ):
            return None
        now_s = self.services.clock.monotonic_s()
        age_s, stage_s = round(now_s - self._born_s, 3), round(now_s - self._stage_since_s, 3)
        return FlightView(self.attempt_id, self._stage, age_s, stage_s, self.lead.list_id)

    def tell(self, observe: Callable[[PacingEvent], None]) -> None:
        """Count what happens on the call there from now on: recovery finds calls before their campaign runs."""
        self._observe = observe

    def vanished(self) -> None:
        """An audit did not find the call at the exchange, twice: its end was never told."""
        if self._line:
            self._line.vanished()

    def give_up(self) -> None:
        """Take the call back if it still rings: pacing expects nobody free for it."""
        if self._stage in (FlightStage.DIALING, FlightStage.RINGING, FlightStage.EARLY_MEDIA):
            self._giving_up = True
            if self._line:
                self._line.stirred.set()

    async def run(self) -> Outcome:
        """Place the call and follow it to its end; return when the outcome is committed."""
        async with self._follow() as line:
            try:
                ending = await self._live(line)
            finally:
                self.hearing.end()
            await self._end(line, ending)
        return ending.outcome

    async def resume(self, agent_id: str) -> Outcome:
        """Recovery: the call was in this agent's bridge before a restart. Follow the conversation to its end."""
        async with self._follow() as line:
            for state in _WAY_TO_BRIDGED[self.journal.state]:
                self.journal.move(state, agent_id, {"why": "found in a conversation after a restart"})
            conversation = self.services.desk.adopt(agent_id, self.attempt_id, self.campaign.campaign_id)
            if not await self._is_up(line):
                conversation.over.set()
            outcome, detail = await converse(self, line, conversation)
            await self._end(line, Ending(outcome, detail))
        return outcome

    async def apologise(self) -> Outcome:
        """Recovery: somebody answered and nobody talks with them. Say who called, hang up: an abandoned call."""
        async with self._follow() as line:
            self.observe(PacingEventKind.PERSON)
            try:
                await self.leave_bridge(line)
                await self.say(line, self.services.prompts.safe_harbour(self.campaign), "sh")
            except LineGone:
                pass
            except TelephonyError as error:
                self._trouble(f"somebody who waited during a restart could not be told who called: {error}")
            await self._end(line, Ending(Outcome.ABANDONED, {"why": "answered while the server restarted"}))
        return Outcome.ABANDONED

    async def close(self, outcome: Outcome) -> Outcome:
        """Recovery: the call is gone, or only rings: end it."""
        async with self._follow() as line:
            await self._end(line, Ending(outcome, {"why": "found after a restart"}))
        return outcome

    async def on_exchange(self, line: Line, ask: Callable[[], Awaitable[T]]) -> T:
        """Ask something that may be asked twice, and wait for a link that is down. Raises LineGone, TelephonyError."""
        for _ in range(_TRIES - 1):
            try:
                return await line.unless_gone(ask())
            except LinkDown:
                await line.unless_gone(self.services.link.up())
        return await line.unless_gone(ask())

    async def say(self, line: Line, media: tuple[str, ...], kind: str) -> bool:
        """Play a prompt to its end, again when the link was lost on the way; False when it could not be played.

        Raises LineGone, TelephonyError.
        """
        self._prompts += 1
        name = f"{self.attempt_id}-{kind}{self._prompts}"
        try:
            return await line.play(media, name)
        except LinkDown:
            await line.unless_gone(self.services.link.up())
            return await line.play(media, f"{name}b")

    async def leave_bridge(self, line: Line) -> None:
        """Take the call out of whatever bridge it is in. Raises LineGone, TelephonyError."""
        state = await self.on_exchange(line, self.services.control.snapshot)
        for bridge in state.bridges:
            if line.channel_id in bridge.channel_ids:
                await self.services.control.remove_from_bridge(bridge.bridge_id, line.channel_id)

    def _follow(self) -> Line:
        self._line = Line(self.services.control, self.journal.attempt.channel_id, self.services.link)
        return self._line

    async def _is_up(self, line: Line) -> bool:
        # Events before our inbox was registered are gone: ask once, now that none can be missed any more.
        try:
            state = await self.on_exchange(line, self.services.control.snapshot)
        except LineGone:
            return False
        return any(channel.channel_id == line.channel_id for channel in state.channels)

    async def _live(self, line: Line) -> Ending:
        try:
            if never_placed := await self._originate(line):
                return never_placed
            if early := await self._ring(line):
                return early
            return await self._answered(line)
        except LineGone as gone:
            return self._far_end_gone(gone.hung_up)
        except EndpointRefused as error:
            # The trunk's health is told once (dialer.trunk), not with every call.
            return Ending(Outcome.FAILED, {"why": f"the trunk refused the call: {error}"})
        except LinkDown as error:
            return self._why(self._or_abandoned(Outcome.LOST), f"the link to the exchange was lost: {error}")
        except TelephonyError as error:
            return self._why(self._or_abandoned(Outcome.FAILED), f"the exchange refused a request: {error}")

    # -- ringing ------------------------------------------------------------------------------------------------------

    async def _originate(self, line: Line) -> Ending | None:
        """Place the call, once; an ending when it certainly was not placed."""
        order = OriginateOrder(
            channel_id=self.journal.attempt.channel_id,
            endpoint=self.endpoint,
            caller_id=self.campaign.caller_id,
            ring_timeout_s=self.campaign.ring_timeout_s,
        )
        self.journal.move(AttemptState.DIALING)
        self.observe(PacingEventKind.PLACED)
        try:
            await self.services.control.originate(order)
        except OriginateOutcomeUnknown as error:
            # Never repeated: look whether the call is there, and go on with it if it is.
            self._trouble(f"an originate was not answered, the exchange is asked what became of it: {error}")
            if not await self._is_up(line) and line.hung_up is None:
                return Ending(Outcome.LOST, {"why": "the originate never reached the exchange"})
        return None

    async def _ring(self, line: Line) -> Ending | None:
        """Follow the call until it is answered (None) or over before that."""
        while not line.answered.is_set():
            try:
                await line.stir(self.campaign.ring_timeout_s + _RING_GRACE_S)
            except TimeoutError:
                if self.services.control.link_state is not LinkState.UP:
                    await line.unless_gone(self.services.link.up())
                    continue
                return Ending(Outcome.NO_ANSWER, {"why": "no event from the exchange"})
            if line.answered.is_set():
                break
            if self._giving_up:
                return await self._take_back(line)
            if (line.ringing.is_set() or line.early_media.is_set()) and self._stage is FlightStage.DIALING:
                self._rings()
            if line.early_media.is_set() and self._stage is not FlightStage.EARLY_MEDIA:
                await self._hear_early(line)
            early = self.hearing.early_verdict()
            if early and (ending := await ending_of(early, line, self.services.clock, lambda: self._giving_up)):
                return ending
        return None

    def _rings(self) -> None:
        self._signalling.rang_s = self.services.clock.monotonic_s()
        self.journal.move(AttemptState.RINGING)
        self.observe(PacingEventKind.RANG)
        self._to_stage(FlightStage.RINGING)

    async def _hear_early(self, line: Line) -> None:
        self._signalling.early_media_s = self.services.clock.monotonic_s()
        self._to_stage(FlightStage.EARLY_MEDIA)
        await self.hearing.before_answer(line)

    async def _take_back(self, line: Line) -> Ending:
        try:
            await self.on_exchange(line, lambda: self.services.control.hang_up(line.channel_id, "normal"))
            await line.gone(_RING_GRACE_S)
        except LineGone:
            pass
        except TimeoutError:
            self._trouble("a call was taken back and the exchange does not tell its end")
        if line.answered.is_set():
            self.observe(PacingEventKind.PERSON)
            # Answered in the very moment we hung up: a person may have heard it, so it counts against us.
            return Ending(Outcome.ABANDONED, {"why": "answered while being given up"})
        return Ending(Outcome.GIVEN_UP)

    # -- answered -----------------------------------------------------------------------------------------------------

    async def _answered(self, line: Line) -> Ending:
        self._signalling.answered_s = line.answered_at_s
        self.journal.move(AttemptState.ANSWERED)
        self.observe(PacingEventKind.ANSWERED)
        self._to_stage(FlightStage.SCREENING)
        if self.agent_id or not self.campaign.amd.enabled or self._told_late(line):
            return await self._person(line, None)
        self.journal.move(AttemptState.SCREENING)
        verdict = await self.hearing.screen(line)
        if not self.hearing.is_no_person:
            return await self._person(line, verdict)
        self.observe(PacingEventKind.MACHINE)
        ending = await deal_with(self, line, verdict)
        # A person may come on after all: call screening puts through, a ringback tone ends in a voice.
        return ending or await self._person(line, self.hearing.verdict)

    def _told_late(self, line: Line) -> bool:
        """Somebody answered while the link was down, and waits since then: no time to listen who it is."""
        back_at_s = self.services.link.back_at_s
        return back_at_s is not None and abs((line.answered_at_s or 0.0) - back_at_s) < _TOLD_LATE_S

    async def _person(self, line: Line, verdict: Verdict | None) -> Ending:
        self.observe(PacingEventKind.PERSON)
        self._to_stage(FlightStage.WAITING)
        outcome, detail = await connect(self, line, verdict)
        return Ending(outcome, detail)

    # -- endings ------------------------------------------------------------------------------------------------------

    def _far_end_gone(self, hung_up: HungUp) -> Ending:
        detail: Detail = {"q850": hung_up.q850}
        if hung_up.sip_status:
            detail["sip"] = hung_up.sip_status
        if early := self._signalling.early:
            detail |= {"early_verdict": early.call_class.value, "early_cause": early.cause[:120]}
        if hung_up.lost:
            self._trouble(f"the exchange lost the call: {hung_up.text}")
        match self.journal.state:
            case AttemptState.DIALING if self._no_sign(hung_up):
                outcome = Outcome.CONGESTION
                detail["why"] = "the trunk gave no sign of the call until the ring timeout"
            case AttemptState.PLANNED | AttemptState.DIALING | AttemptState.RINGING:
                told = outcome_of_hangup(hung_up, self._signalling.early, rang=self.got_through)
                outcome = Outcome.LOST if hung_up.lost else told
            case AttemptState.BRIDGED:
                outcome = Outcome.BRIDGED
            case _ if self.abandoning:
                outcome = Outcome.ABANDONED
            case _ if self.hearing.is_no_person and self.hearing.verdict:
                outcome = outcome_of_verdict(self.hearing.verdict)
            case _:
                outcome = Outcome.LOST if hung_up.lost else Outcome.CUSTOMER_HUNG_UP
        return Ending(outcome, detail)

    def _no_sign(self, hung_up: HungUp) -> bool:
        """Whether the exchange's own ring timeout ended a call that never rang: that says nothing about the number."""
        age_s = self.services.clock.monotonic_s() - self._born_s
        timed_out = hung_up.q850 == _RING_TIMEOUT_Q850 and age_s >= self.campaign.ring_timeout_s - 1.0
        return timed_out and not (hung_up.lost or self.got_through)

    async def _end(self, line: Line, ending: Ending) -> None:
        services = self.services
        if line.hung_up is None:
            await self._hang_up(line)
        services.desk.forget(self.attempt_id, self.campaign.wrap_up.max_s)
        if agent_id := self.journal.attempt.agent_id:
            services.desk.freshen(agent_id)
        if ending.outcome is Outcome.ABANDONED and not self.abandoning:
            self.observe(PacingEventKind.ABANDONED)
        elif self.journal.state in (AttemptState.DIALING, AttemptState.RINGING):
            self.observe(PacingEventKind.UNANSWERED)
        change = services.recycle(self.lead, ending.outcome, self.campaign, services.clock.now_s())
        await self.journal.end(ending.outcome, change, ending.detail)

    async def _hang_up(self, line: Line) -> None:
        try:
            await self.services.control.hang_up(line.channel_id)
            await line.gone(_GONE_S)
        except TimeoutError:
            pass
        except TelephonyError as error:
            self._trouble(f"the call could not be hung up, recovery will: {error}")

    def observe(self, kind: PacingEventKind, duration_s: float | None = None, agent_id: str = "") -> None:
        """Tell the pacing law; by default how long the present stage lasted."""
        now_s = self.services.clock.monotonic_s()
        lasted_s = now_s - self._stage_since_s if duration_s is None else duration_s
        list_id = self.lead.list_id if kind is PacingEventKind.PLACED else ""
        self._observe(PacingEvent(kind, now_s, lasted_s, self.attempt_id, agent_id, list_id))

    def _to_stage(self, stage: FlightStage) -> None:
        self._stage, self._stage_since_s = stage, self.services.clock.monotonic_s()

    def _or_abandoned(self, outcome: Outcome) -> Outcome:
        """A person who waited for an agent counts as abandoned, whatever fault of ours ended the call."""
        return Outcome.ABANDONED if self.journal.state is AttemptState.CONNECTING else outcome

    def _trouble(self, words: str) -> None:
        self.services.sink(Trouble(self.services.clock.now_s(), "call", words, self.attempt_id))

    def _why(self, outcome: Outcome, words: str) -> Ending:
        self._trouble(words)
        return Ending(outcome, {"why": words[:200]})
