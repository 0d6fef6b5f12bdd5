"""What is heard of one call: its tap, what AMD says of it before and after the answer, and when the far end rests."""

import asyncio

from amd.verdict import AmdSettings, CallClass, Verdict
from campaigns.attempt import Attempt
from campaigns.campaign import Campaign
from dialer.events import Trouble, VerdictSaid
from dialer.evidence import Signalling
from dialer.line import Line
from dialer.services import Services
from dialer.tap import Tap
from telephony.errors import TelephonyError

# A detector that says nothing this long after its deadline is broken: the call goes to an agent, as `unknown` does.
_VERDICT_GRACE_S = 1.5
# So long a pause ends what somebody says; pauses between the words of a sentence are shorter.
_PAUSE_S = 0.6
_PEOPLE = frozenset({CallClass.HUMAN, CallClass.UNKNOWN})


class Hearing:
    """Listens to one call. verdict: the latest after the answer; verdict_at_s: when it was said, monotonic."""

    def __init__(self, services: Services, campaign: Campaign, attempt: Attempt, signalling: Signalling) -> None:
        """Nothing is heard before `before_answer` or `screen`."""
        self.verdict: Verdict | None = None
        self.verdict_at_s = 0.0
        self._services = services
        self._campaign = campaign
        self._attempt = attempt
        self._signalling = signalling
        self._tap: Tap | None = None

    @property
    def is_no_person(self) -> bool:
        """Whether the latest verdict says so."""
        return self.verdict is not None and self.verdict.call_class not in _PEOPLE

    # -- verdicts

    async def before_answer(self, line: Line) -> None:
        """Listen to early media; every verdict stirs the line."""
        if self._campaign.amd.enabled:
            self._tap = await self._open(line, answered=False)
            if self._tap:
                self._tap.ear.on_verdict = line.stirred.set

    def early_verdict(self) -> Verdict | None:
        """What AMD says of early media, if it says something now."""
        verdict = self._tap.ear.heard() if self._tap else None
        if verdict is not None:
            self._signalling.early = verdict
            self._said(verdict, self._services.clock.monotonic_s())
        return verdict

    async def screen(self, line: Line) -> Verdict:
        """The call was answered: the first thing that AMD says of who did."""
        if self._campaign.amd.signalling:
            self._signalling.hint = self._services.hint(self._signalling.signals(self._attempt.phone))
        if self._tap:
            self._tap.ear.on_verdict = None
            self._tap.ear.answered(self._signalling.hint.odds)
        else:
            self._tap = await self._open(line, answered=True)
        return await self.next_verdict(line, self._campaign.amd.deadline_s + _VERDICT_GRACE_S)

    async def next_verdict(self, line: Line, timeout_s: float) -> Verdict:
        """The next thing AMD says of the answered call; `unknown` when it says nothing for `timeout_s`."""
        try:
            while self._tap:
                verdict = self._signalling.onto(await line.unless_gone(self._tap.ear.next(), timeout_s))
                if not verdict.early_media:
                    self._said(verdict, self._tap.ear.told_at_s)
                    return verdict
        except TimeoutError:
            pass
        now_s = self._services.clock.monotonic_s()
        age_s = now_s - (line.answered_at_s or 0.0)
        verdict = self._signalling.onto(Verdict(CallClass.UNKNOWN, 0.5, "nothing was heard from the detector", age_s))
        self._said(verdict, now_s)
        return verdict

    async def overhear(self, line: Line) -> bool:
        """Go on listening wherever the call is, also while prompts play; False when that cannot be. Raises LineGone."""
        if self._tap is None:
            return False
        try:
            await line.unless_gone(self._tap.overhear())
            return True
        except TelephonyError as error:
            words = f"the call could not be listened to any more: {error}"
            self._services.sink(Trouble(self._services.clock.now_s(), "call", words, self._attempt.attempt_id))
            return False

    async def later(self, timeout_s: float) -> Verdict | None:
        """What AMD says besides, to somebody whose call goes on whatever it says; None: nothing for `timeout_s`."""
        if self._tap is None:
            return None
        try:
            async with asyncio.timeout(timeout_s):
                verdict = await self._tap.ear.next()
        except TimeoutError:
            return None
        self._said(verdict, self._tap.ear.told_at_s)
        return verdict

    def _said(self, verdict: Verdict, at_s: float) -> None:
        if not verdict.early_media:
            self.verdict, self.verdict_at_s = verdict, at_s
        now_s, attempt = self._services.clock.now_s(), self._attempt
        trunk = self._signalling.trunk
        self._services.sink(VerdictSaid(now_s, attempt.attempt_id, attempt.campaign_id, verdict, at_s, trunk))

    # -- pauses

    async def pause(self, line: Line, quiet_s: float, within_s: float) -> None:
        """Wait until nobody has spoken for `quiet_s`, at most `within_s`. Raises LineGone."""
        if self._tap:
            try:
                await line.unless_gone(self._tap.ear.quiet(quiet_s), within_s)
            except TimeoutError:
                pass

    async def greeting_end_s(self, otherwise_s: float, within_s: float) -> float:
        """When the words ended that made the verdict; `otherwise_s` when none did. All times are monotonic.

        Words that go on (somebody comes on after call screening) are waited for, at most `within_s`: then it is now.
        """
        if self.verdict is None or self._tap is None or self.verdict.since_speech_end_s is None:
            return otherwise_s
        if self.verdict.since_speech_end_s > 0.0:
            return self.verdict_at_s - self.verdict.since_speech_end_s
        try:
            async with asyncio.timeout(within_s):
                quiet_s = await self._tap.ear.quiet(_PAUSE_S)
        except TimeoutError:
            quiet_s = 0.0
        return max(self.verdict_at_s, self._services.clock.monotonic_s() - quiet_s)

    # -- the tap

    async def _open(self, line: Line, *, answered: bool) -> Tap | None:
        amd = self._campaign.amd
        odds = self._signalling.hint.odds
        settings = AmdSettings(amd.cost_ratio, amd.deadline_s, amd.silence_s, self._campaign.country, odds)
        try:
            return await line.unless_gone(Tap.open(self._services, self._attempt, settings, answered=answered))
        except TelephonyError as error:
            words = f"the call could not be listened to, an agent gets it: {error}"
            self._services.sink(Trouble(self._services.clock.now_s(), "call", words, self._attempt.attempt_id))
            return None

    def end(self) -> None:
        """Listen no more; the exchange cleans up behind the call's back."""
        if self._tap:
            self._tap.close_later()

    async def let_go(self, line: Line) -> None:
        """Listen no more, and be out of the tap's bridge: for a prompt that follows. Raises LineGone."""
        if self._tap:
            await line.unless_gone(self._tap.let_go())
