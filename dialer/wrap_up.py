"""Dispositions: what the agent says came of a conversation, and the default when the agent says nothing in time."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from agents.agent import AgentError, AgentState
from campaigns.campaign import Campaign
from campaigns.clock import Clock
from campaigns.compliance import legal_windows
from campaigns.disposition import Disposition, DispositionEffect
from campaigns.lead import Lead
from campaigns.recycle import after_disposition
from dialer.agent_desk import AgentDesk
from dialer.events import AgentMoved, DialerEvent, EventSink, Trouble
from dialer.patience import Patience
from storage.errors import StorageError
from storage.port import AttemptLog, DispositionStore, DncStore, LeadStore
from storage.port import Disposition as StoredDisposition

_LONGEST_NOTE = 2000


class DispositionError(Exception):
    """A disposition cannot be taken; the message says what to give instead."""


@dataclass(frozen=True, slots=True)
class Said:
    """What an agent says. command_id: invented by the desk, so that a repeat is one fact; callback_at_s: UTC."""

    command_id: str
    agent_id: str
    attempt_id: str
    code: str
    note: str = ""
    callback_at_s: float | None = None
    mine: bool = False


class WrapUpDesk:
    """Takes dispositions. Every conversation gets exactly one way out: the agent's word, or the campaign's default."""

    def __init__(
        self,
        attempts: AttemptLog,
        leads: LeadStore,
        dispositions: DispositionStore,
        dnc: DncStore,
        desk: AgentDesk,
        clock: Clock,
        sink: EventSink,
        campaigns: Mapping[str, Campaign],
    ) -> None:
        """Write to the stores, free agents at `desk`. campaigns: those that are known now, by id."""
        self._attempts = attempts
        self._leads = leads
        self._dispositions = dispositions
        self._dnc = dnc
        self._desk = desk
        self._clock = clock
        self._sink = sink
        self._campaigns = campaigns
        self._patience = Patience(clock, sink, "dispositions")
        self._one_by_one = asyncio.Lock()  # a default must not overtake the agent's word

    async def take(self, said: Said) -> bool:
        """Commit an agent's word and end its wrap-up; False when this very command was taken before.

        Raises DispositionError with the codes that exist, or the time a callback needs.
        """
        async with self._one_by_one:
            return await self._take(said)

    async def _take(self, said: Said) -> bool:
        campaign, disposition, lead = await self._checked(said)
        now_s = self._clock.now_s()
        try:
            change = after_disposition(
                lead,
                disposition,
                campaign,
                now_s,
                callback_at_s=said.callback_at_s,
                callback_agent_id=said.agent_id if said.mine else None,
                windows=legal_windows(lead, campaign),
            )
        except ValueError as error:
            raise DispositionError(str(error)) from None
        note = said.note[:_LONGEST_NOTE]
        fact = StoredDisposition(said.command_id, said.attempt_id, lead.lead_id, said.agent_id, said.code, now_s, note)
        if disposition.effect is DispositionEffect.DNC:  # first: a crash in between must not leave it callable
            await self._dnc.add([lead.phone], f"agent {said.agent_id}, {said.code}", now_s)
        applied = await self._dispositions.apply(fact, change)
        self._free(said)
        return applied

    async def _checked(self, said: Said) -> tuple[Campaign, Disposition, Lead]:
        attempt = await self._attempts.get(said.attempt_id)
        if attempt is None or (campaign := self._campaigns.get(attempt.campaign_id)) is None:
            raise DispositionError(f"there is no attempt {said.attempt_id} of a campaign that is known here")
        disposition = campaign.disposition(said.code)
        if disposition is None:
            known = ", ".join(each.code for each in campaign.dispositions)
            raise DispositionError(f"campaign {campaign.campaign_id} has no disposition {said.code!r}; it has {known}")
        lead = await self._leads.get(attempt.lead_id)
        if lead is None:
            raise DispositionError(f"the lead of attempt {said.attempt_id} is gone")
        return campaign, disposition, lead

    async def default(self, agent_id: str, attempt_id: str) -> None:
        """Wrap-up ended: the campaign's default counts, unless the agent said something. Waits for the database."""
        try:
            await self._patience.write(lambda: self._default(agent_id, attempt_id))
        except (DispositionError, StorageError) as error:
            words = f"the default disposition could not be set: {error}"
            self._sink(Trouble(self._clock.now_s(), "wrap-up", words, attempt_id))

    async def _default(self, agent_id: str, attempt_id: str) -> None:
        async with self._one_by_one:
            attempt = await self._attempts.get(attempt_id)
            campaign = self._campaigns.get(attempt.campaign_id) if attempt else None
            if campaign is None or await self._dispositions.of_attempt(attempt_id):
                return
            code = campaign.wrap_up.default_disposition
            await self._take(Said(f"{attempt_id}-default", agent_id, attempt_id, code))

    @staticmethod
    def wrapped_up(event: DialerEvent) -> list[tuple[str, str]]:
        """(agent_id, attempt_id) of every wrap-up that this event says is over, interrupted ones included."""
        if not isinstance(event, AgentMoved):
            return []
        return [(event.move.agent_id, call_id) for call_id in event.move.wrapped_up if call_id]

    def _free(self, said: Said) -> None:
        try:
            seat = self._desk.pool.seat(said.agent_id)
        except AgentError:
            return
        if seat.state is AgentState.WRAP_UP and seat.call_id == said.attempt_id:
            self._desk.finish_wrap_up(said.agent_id)
