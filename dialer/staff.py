"""Agents with a memory: the desk's moves are written down, and a restart goes on where the shift was."""

import asyncio
from dataclasses import dataclass

from agents.agent import AgentMove, AgentProfile, AgentState
from campaigns.clock import Clock
from campaigns.ids import key_of, leg_bridge_id
from dialer.agent_desk import AgentDesk
from dialer.events import EventSink, Trouble
from dialer.patience import Patience
from storage.errors import StorageError
from storage.port import AgentStateChange, AgentStore, StoredAgent


def profile_of(agent: StoredAgent) -> AgentProfile:
    """An agent as the pool knows it."""
    return AgentProfile(
        agent.agent_id, key_of(agent.agent_id), agent.endpoint, agent.name, frozenset(agent.skills), frozenset()
    )


@dataclass(frozen=True, slots=True)
class _Write:
    move: AgentMove
    at_s: float


class Staff:
    """Who works here, and what each did with the time. `run` writes moves down, in order."""

    def __init__(self, store: AgentStore, desk: AgentDesk, clock: Clock, sink: EventSink) -> None:
        """Agents of `store` at `desk`."""
        self._store = store
        self._desk = desk
        self._clock = clock
        self._sink = sink
        self._writes: asyncio.Queue[_Write] = asyncio.Queue(maxsize=10_000)
        self._patience = Patience(clock, sink, "moves of agents")
        self._unfinished: dict[str, AgentStateChange] = {}

    async def sign_in(self, agent_id: str) -> StoredAgent | None:
        """Sign a known agent in, paused; None when nobody has this id (or the agent was deactivated)."""
        agent = await self._store.get(agent_id)
        if agent is None or not agent.active:
            return None
        self._desk.sign_in(profile_of(agent))
        return agent

    async def restore(self) -> list[str]:
        """Sign in again everybody who was signed in when the server went down; return their ids.

        Agents that were paused stay paused; everybody else takes calls as soon as the audio is there again.
        """
        back = []
        for agent_id, change in (await self._store.last_changes()).items():
            if change.state != AgentState.SIGNED_OUT and await self.sign_in(agent_id):
                if change.state != AgentState.PAUSED:
                    self._desk.ready(agent_id)
                if change.state in (AgentState.TALKING, AgentState.WRAP_UP) and change.session_id:
                    self._unfinished[agent_id] = change
                back.append(agent_id)
        return back

    def take_unfinished(self) -> dict[str, AgentStateChange]:
        """Restored agents who talked or wrapped up when the server went down, by id; told once."""
        unfinished, self._unfinished = self._unfinished, {}
        return unfinished

    def agent_keys(self) -> frozenset[str]:
        """Keys of everybody who is signed in: their legs belong here."""
        return frozenset(seat.profile.agent_key for seat in self._desk.pool.seats())

    def agent_of_bridge(self, bridge_id: str) -> str | None:
        """Which signed-in agent a standing leg's bridge belongs to."""
        for seat in self._desk.pool.seats():
            if leg_bridge_id(seat.profile.agent_key) == bridge_id:
                return seat.profile.agent_id
        return None

    def note(self, move: AgentMove, at_s: float) -> None:
        """Write a move down soon."""
        try:
            self._writes.put_nowait(_Write(move, at_s))
        except asyncio.QueueFull:
            self._sink(Trouble(at_s, "agents", "agent times are not written down: the database is too slow"))

    async def run(self) -> None:
        """Write moves until cancelled."""
        while True:
            await self._write(await self._writes.get())

    async def flush(self) -> None:
        """Write what is still to be written."""
        while not self._writes.empty():
            await self._write(self._writes.get_nowait())

    async def _write(self, write: _Write) -> None:
        move = write.move
        change = AgentStateChange(
            change_id=f"{move.agent_id}-{write.at_s:.6f}-{move.target}",
            agent_id=move.agent_id,
            session_id=move.call_id,
            state=move.target.value,
            at_s=write.at_s,
            reason=move.reason,
        )
        try:
            await self._patience.write(lambda: self._store.record(change))
        except StorageError as error:
            self._sink(Trouble(self._clock.now_s(), "agents", f"a move of agent {move.agent_id} is lost: {error}"))
