"""Keeps calls to learn AMD from, when the settings say so: the sound before the verdict, its context, the agent's word.

Nothing here may hold up a call: tapes are taken in memory, written by one worker, and dropped when it cannot follow.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Iterable
from typing import Any

from amd.kept import KeptCall, KeptCalls, KeptUnusable, Said, drawn
from campaigns.attempt import Attempt, AttemptState
from campaigns.clock import Clock
from campaigns.phone import mask
from dialer.events import AttemptMoved, DialerEvent, EventSink, Trouble, VerdictSaid
from dialer.tapes import Tape, Tapes
from dialer.wrap_up import WrapUpDesk
from server.settings import CollectPart
from storage.errors import StorageError
from storage.port import Disposition, DispositionStore

_WAITING = 200  # calls: a minute's worth for a worker that writes hundreds a second
_OPEN = 2000
_EXPIRE_EVERY = 100
_SHORTEST_S = 0.3
DEFAULT_SUFFIX = "-default"


class CallKeeper:
    """Give `tapes` to the listening, `take` every event, `run` in a supervisor."""

    def __init__(
        self, settings: CollectPart, kept: KeptCalls, dispositions: DispositionStore, clock: Clock, sink: EventSink
    ) -> None:
        """Keep into `kept`; nothing at all unless `settings.enabled`."""
        self.settings = settings
        self.kept = kept
        self.tapes = Tapes(
            self._taped,
            longest_s=settings.longest_s,
            after_verdict_s=settings.after_verdict_s,
            wants=self._wants,
        )
        self._dispositions = dispositions
        self._clock = clock
        self._sink = sink
        self._open: OrderedDict[str, Tape] = OrderedDict()
        self._said: OrderedDict[str, tuple[str, list[Said]]] = OrderedDict()
        self._work: asyncio.Queue[tuple[KeptCall, Tape] | str] = asyncio.Queue(_WAITING)
        self._in_trouble = ""
        self.written = 0

    def _wants(self, call_id: str) -> bool:
        return drawn(call_id, self.settings.share, "kept")

    def take(self, event: DialerEvent) -> None:
        """Follow calls to their end."""
        for _, call_id in WrapUpDesk.wrapped_up(event):
            self._later(call_id)
        match event:
            case VerdictSaid(attempt_id=attempt_id, verdict=verdict, trunk=trunk) if self._wants(attempt_id):
                self._said.setdefault(attempt_id, (trunk, []))[1].append(Said.of(verdict))
                _bounded(self._said)
            case AttemptMoved(attempt=attempt) if attempt.state is AttemptState.ENDED:
                self._ended(attempt)
            case _:
                pass

    async def run(self) -> None:
        """Write until cancelled; what is waiting then is written first by `close`."""
        while True:
            await self._write(await self._work.get())

    async def close(self) -> None:
        """Write what is still waiting."""
        while not self._work.empty():
            await self._write(self._work.get_nowait())

    def _taped(self, tape: Tape) -> None:
        self._open[tape.call_id] = tape
        _bounded(self._open)

    def _ended(self, attempt: Attempt) -> None:
        tape = self._open.pop(attempt.attempt_id, None)
        trunk, said = self._said.pop(attempt.attempt_id, ("", []))
        if tape is None or max(tape.sound.ticks, tape.early.ticks) * 0.02 < _SHORTEST_S:
            return
        told = {(each.early_media, each.at_s) for each in said}  # with what was signalled among their evidence
        heard = [Said.of(verdict) for verdict in tape.verdicts]
        said = said + [each for each in heard if (each.early_media, each.at_s) not in told]
        call = KeptCall(
            call_id=attempt.attempt_id,
            campaign_id=attempt.campaign_id,
            trunk=trunk,
            phone=mask(attempt.phone),
            at_s=attempt.planned_at_s,
            outcome=attempt.outcome.value if attempt.outcome else "",
            answered=tape.answered,
            seconds=round(tape.sound.ticks * 0.02, 2),
            said=tuple(sorted(said, key=lambda each: (not each.early_media, each.at_s))),
            audit=drawn(attempt.attempt_id, self.settings.audit_share, "audit"),
        )
        self._later((call, tape))

    def _later(self, work: tuple[KeptCall, Tape] | str) -> None:
        try:
            self._work.put_nowait(work)
        except asyncio.QueueFull:
            self._trouble("calls come faster than they can be written: some are not kept")

    async def _write(self, work: tuple[KeptCall, Tape] | str) -> None:
        try:
            if isinstance(work, str):
                codes = _own_words(await self._dispositions.of_attempt(work))
                if codes:
                    await asyncio.to_thread(self.kept.dispose, work, codes)
                return
            call, tape = work
            await asyncio.to_thread(self.kept.put, call, tape.sound.samples, tape.early.samples)
            self.written += 1
            if self.written % _EXPIRE_EVERY == 1:
                await self.expire()
            self._in_trouble = ""
        except (KeptUnusable, StorageError) as error:
            self._trouble(str(error))

    async def expire(self) -> int:
        """Delete what is past its days or over the folder's size."""
        now_s = self._clock.now_s()
        return await asyncio.to_thread(self.kept.expire, now_s, self.settings.days, self.settings.max_mb)

    def _trouble(self, words: str) -> None:
        if words != self._in_trouble:  # said once, not with every call
            self._in_trouble = words
            self._sink(Trouble(self._clock.now_s(), "amd", f"calls to learn from: {words}"))


def _own_words(dispositions: Iterable[Disposition]) -> list[str]:
    """Codes that agents chose; a default that was set when they said nothing tells nothing."""
    return [each.code for each in dispositions if not each.command_id.endswith(DEFAULT_SUFFIX)]


def _bounded(waiting: OrderedDict[str, Any]) -> None:
    while len(waiting) > _OPEN:
        waiting.popitem(last=False)
