"""The load benchmarks still run: few calls, short windows. What they cost is judged by the benchmarks alone."""

from pathlib import Path

from benchmarks.load import bare, conversations, growth, live_amd, originate_rate, report
from benchmarks.load.far_end import Behaviour, far_end
from benchmarks.load.result import Bar, Result

_NO_CAUSE = 1
"""Asterisk tells of about one refusal in 8,000 without its cause (docs/design.md): it counts as no answer."""
_CPU_AND_LAG = ("CPU of", "lag", "exponent", "fewer a second", "not in a conversation", "wrong length")
"""A machine that stalls sends fewer frames, and a recording holds only frames that came."""


def wrong(result: Result) -> list[str]:
    """The bars that do not depend on how busy the machine is."""
    return [str(bar) for bar in result.bars if not bar.met and not any(word in bar.what for word in _CPU_AND_LAG)]


async def test_given_calls_that_are_listened_to_then_no_call_and_no_frame_is_lost() -> None:
    run = await live_amd.listen(calls=4, seconds=2.0)
    assert [str(bar) for bar in live_amd.frame_bars(run) if not bar.met] == []
    assert run.found["frames"]["received"] > 0.8 * run.found["expected_frames"]
    assert run.found["verdicts"]
    assert run.costs["controller"].rss_mb > 10 < run.costs["asterisk"].rss_mb


async def test_given_a_steady_rate_when_everybody_is_busy_then_every_attempt_ends_so() -> None:
    result = await originate_rate.measure(quick=True, rate=5.0, seconds=2.0, warm_up_s=1.0, compare=False)
    outcomes = result.figures["found"]["outcomes"]
    assert [bar for bar in wrong(result) if "wrong outcome" not in bar] == []
    assert outcomes.pop("busy") >= 5
    assert outcomes in ({}, {"no_answer": _NO_CAUSE})


async def test_given_asterisk_alone_when_it_dials_then_its_cost_is_known(tmp_path: Path) -> None:
    async with far_end(tmp_path, "busy", Behaviour(answer=0.0)) as network:
        assert (await bare.dial(network.port, rate=20.0, seconds=1.0, warm_up_s=0.5)).cpu_s > 0


async def test_given_agents_then_conversations_are_recorded_whole() -> None:
    result = await conversations.measure(quick=True, agents=2, rate=2.0, seconds=4.0, talk_ms=2000, warm_up_s=4.0)
    assert result.figures["found"]["recordings"] > 0
    assert wrong(result) == [], result.figures["found"]


def test_given_results_then_the_report_has_them_and_the_plot(tmp_path: Path) -> None:
    costs = {name: {"share": 0.1, "rss_mb": 100.0} for name in ("controller", "asterisk")}
    points = [{"calls": calls, "costs": costs} for calls in (25, 50)]
    bars = (Bar("late frames", 1, 0, exact=True),)
    text = report.write([Result("growth", bars, {"points": points})], tmp_path).read_text()
    assert "late frames" in text and "**no**" in text and (tmp_path / "growth.png").stat().st_size > 1000


def test_given_values_in_proportion_then_the_exponent_is_one() -> None:
    assert growth.exponent([25, 50, 100], [1.0, 2.0, 4.0]) == 1.0
