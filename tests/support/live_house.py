"""A whole node on real Asterisk for tests: dialer, Redis, database, API, a trunk to the simulated network, agents.

`live_house(network, agents=4)` runs it inside the test process, where everything can be looked at. `live_process`
runs the same folder as `timbre up` in a process of its own, to be killed.
"""

import contextlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from agents.agent import AgentState
from campaigns.attempt import Attempt, AttemptState
from campaigns.lead import Lead
from dialer.events import AttemptMoved, DialerEvent, Trouble, VerdictSaid
from media.softphone.fleet import RobotFleet
from media.softphone.messages import EventKind
from server.demo.network import Network
from server.demo.numbering import DemoNumber
from server.demo.truth import CallTruth
from server.house import House
from server.run import open_node
from tests.support.live_folder import LINE_NOISE_PEAK as LINE_NOISE_PEAK
from tests.support.live_folder import LiveFolder as LiveFolder
from tests.support.live_folder import campaign_text as campaign_text
from tests.support.live_folder import live_folder as live_folder
from tests.support.live_process import LiveProcess as LiveProcess
from tests.support.live_process import kill_process as kill_process
from tests.support.until import until

E = TypeVar("E", bound=DialerEvent)


@dataclass
class LiveHouse:
    """A running node, its agents' robots, and everything that the engine told."""

    folder: LiveFolder
    house: House
    fleet: RobotFleet
    events: list[DialerEvent] = field(default_factory=list)

    async def agents_ready(self, *agent_ids: str) -> None:
        """Sign agents in (all of them by default), wait for their legs, let them take calls."""
        wanted = agent_ids or self.folder.agents
        for agent_id in wanted:
            assert await self.house.staff.sign_in(agent_id), f"no agent {agent_id}"
        await until(lambda: all(self.house.desk.pool.seat(name).leg_up for name in wanted), 40.0)
        for agent_id in wanted:
            self.house.desk.ready(agent_id)

    async def campaign(self, text: str, numbers: Sequence[DemoNumber], *, start: bool = True) -> list[Lead]:
        """Add a campaign with one lead per number (in their order), start it, return the leads."""
        campaign = await self.house.catalogue.put(text, "campaign")
        list_id = campaign.lists[0]
        rows = "phone\n" + "".join(f"{number.e164}\n" for number in numbers)
        report = await self.house.importer.chunks([rows.encode()], list_id, "ES")
        assert report.added == len(numbers), f"{report.added} of {len(numbers)}: {report.rejections[:3]}"
        if start:
            await self.house.start_campaign(campaign.campaign_id)
        by_phone = {lead.phone: lead for lead in await self.house.stores.leads.list(list_id, 1000)}
        return [by_phone[number.e164] for number in numbers]

    async def dialling(self, campaign_id: str, count: int, timeout_s: float = 40.0) -> None:
        """Wait until the campaign has placed so many calls."""
        await until(lambda: self.house.engine.runs[campaign_id].tally.placed >= count, timeout_s)

    async def dialled(self, campaign_id: str, count: int, timeout_s: float = 90.0) -> list[Attempt]:
        """Wait until the campaign has so many ended attempts and nothing in flight; the attempts out of SQL."""
        ended: set[str] = set()

        def done() -> bool:
            ended.update(
                event.attempt.attempt_id
                for event in self.events
                if isinstance(event, AttemptMoved)
                and event.attempt.campaign_id == campaign_id
                and event.attempt.state is AttemptState.ENDED
            )
            return len(ended) >= count and self.house.engine.runs[campaign_id].idle

        try:
            await until(done, timeout_s)
        except TimeoutError:
            live = [str(flow.journal.attempt) for flow in self.house.engine.runs[campaign_id].flows.values()]
            raise AssertionError(f"{len(ended)} of {count} attempts ended; live: {live}; {self.troubles()}") from None
        return await self.house.stores.attempts.list(campaign_id, 1000)

    async def nobody_busy(self, timeout_s: float = 30.0) -> None:
        """Wait until every agent is idle or paused again."""
        at_rest = {AgentState.IDLE, AgentState.PAUSED}
        await until(lambda: all(seat.state in at_rest for seat in self.house.desk.pool.seats()), timeout_s)

    async def leaks(self, timeout_s: float = 10.0) -> list[str]:
        """Channels and bridges of calls that stay in Asterisk; standing legs are none.

        They are what is there after `timeout_s`: a call is over before its tap, its bridge and its channel are off
        Asterisk's lists.
        """
        left: list[str] = []

        async def clean() -> bool:
            left[:] = await self.listed()
            return not left

        with contextlib.suppress(TimeoutError):
            await until(clean, timeout_s)
        return left

    async def listed(self) -> list[str]:
        """Channels and bridges of calls that Asterisk lists now; standing legs are none."""
        state = await self.house.control.snapshot()
        names = [channel.channel_id for channel in state.channels] + [bridge.bridge_id for bridge in state.bridges]
        return [name for name in names if not name.endswith(("-legc", "-legb"))]

    async def robots_off(self) -> None:
        """End the robots, so that what they recorded is whole."""
        await self.fleet.__aexit__(None, None, None)

    def of(self, kind: type[E], attempt_id: str = "") -> list[E]:
        """Events of a kind, of one attempt."""
        return [
            event
            for event in self.events
            if isinstance(event, kind) and attempt_id in ("", getattr(event, "attempt_id", ""))
        ]

    def troubles(self) -> list[str]:
        """What the operator was told."""
        return [f"{event.where}: {event.words}" for event in self.of(Trouble)]

    def verdicts(self, attempt_id: str) -> list[str]:
        """What was said of a call, in order: "human: 0.32 s then silence"."""
        said = (event.verdict for event in self.of(VerdictSaid, attempt_id))
        return [f"{verdict.call_class}: {verdict.cause}" for verdict in said]

    async def truth_of(self, attempt: Attempt) -> CallTruth:
        """The network's side of an attempt; waits for the line that the network writes when the call is over."""
        found: list[CallTruth] = []

        def written() -> bool:
            call = self.folder.truth().find(attempt.phone, attempt.planned_at_s)
            if call is not None:
                found.append(call)
            return bool(found)

        await until(written, 30.0)
        return found[0]


@asynccontextmanager
async def live_house(
    network: Network, agents: int = 2, *, ready: bool = True, extra_toml: str = ""
) -> AsyncIterator[LiveHouse]:
    """A node in this process, its agents registered and (unless told otherwise) ready for calls."""
    with live_folder(network, agents, extra_toml) as folder:
        async with (
            open_node(folder.settings, lambda line: None) as house,
            RobotFleet(folder.specs()) as fleet,
        ):
            live = LiveHouse(folder, house, fleet)
            house.hub.listen(live.events.append)
            await fleet.wait_all(EventKind.REGISTERED)
            if ready:
                await live.agents_ready()
            yield live
