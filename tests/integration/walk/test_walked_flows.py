"""Ready flows on real Asterisk, walked by robots and listened to; `python -m benchmarks.ivr walk` walks all of them."""

import asyncio
from dataclasses import replace

import pytest

from ivr.explore import Trial
from server.demo.network import Network
from tests.support.inbound_caller import Keys
from tests.support.until import until
from tests.support.walk_node import walk_node
from tests.support.walk_run import Plan, asks_of_all, fuzz_really, plan_of, walk_plans
from tests.unit.ivr.flows import READY

pytestmark = pytest.mark.asterisk
_FLOWS = (READY / "en" / "balance.yaml", READY / "es" / "encuesta.yaml", READY / "es" / "fuera_de_hora.yaml")
_SHORT_S = 17.0


def short(plan: Plan) -> Plan:
    """Its short calls."""
    trials: list[Trial] = [trial for trial in plan.explored.trials if trial.cost_s < _SHORT_S]
    return replace(plan, explored=replace(plan.explored, trials=tuple(trials)))


async def test_given_ready_flows_when_robots_walk_them_then_each_goes_as_written_and_all_of_it_is_heard(
    walk_network: Network,
) -> None:
    plans = [short(await asyncio.to_thread(plan_of, file)) for file in _FLOWS]
    async with walk_node(walk_network, asks_of_all(plans)) as node:
        held = await node.listed()  # the callers who keep the busy agent and the full queue
        # Both at once: what some press at random must not touch the others.
        rows, wrong = await asyncio.gather(
            walk_plans(node, plans, at_once=20), fuzz_really(node, plans, 6, seed=20261122, presses=3, stay=0.0)
        )
        print([(row.flow, row.calls, row.prompts, row.longest_gap_s, row.exits) for row in rows])
        assert [row.faults for row in rows] == [[], [], []]
        assert all(row.calls >= len(Keys) and row.prompts > row.calls for row in rows)
        assert {row.flow for row in rows} == {"en/balance", "es/encuesta", "es/fuera_de_hora"}
        assert wrong == []
        assert node.troubles() == []

        async def as_before() -> bool:
            return await node.listed() == held

        await until(as_before)  # a call is over before its channel is off Asterisk's list
