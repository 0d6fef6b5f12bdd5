"""What callers go through: each kind of node, its failures, and the rescue."""

import asyncio
import random
from dataclasses import replace
from typing import Any

from pytest import mark

from ivr.events import NodeLeft
from ivr.given import Given
from ivr.port import Bookmark
from ivr.session import Session
from ivr.simulate import SimulatedLine, Walk, simulated_world
from ivr.values import CallerGone, PortTrouble
from telephony.sim.virtual_time import VirtualClock, run_virtual
from tests.unit.ivr.flows import Presses, call, exit_of, flow_of

BYE = "  bye: {do: goodbye, text: Bye.}\n"
CARD = ("4111111111111111#", "1230", "123#")


def test_given_keys_typed_ahead_when_menus_follow_then_prompts_are_cut_and_the_keys_used() -> None:
    flow = flow_of(
        "  first: {do: menu, text: Long., keys: {'1': second}}\n  second: {do: menu, text: More., keys: {'2': bye}}\n"
        + BYE
    )
    taken = call(flow, "12")
    assert taken.nodes == ["first", "second", "bye"]


def test_given_wrong_keys_when_in_a_menu_then_they_are_told_and_after_three_the_caller_goes_to_a_person() -> None:
    taken = call(flow_of("  first: {do: menu, text: Press 1., keys: {'1': bye}}\n" + BYE), "5", "6", "7")
    assert exit_of(taken) == "talked"
    assert taken.heard.count("That is not a valid choice.") == 3
    assert taken.nodes[-1] == "rescue"
    assert any("putting you through to a person" in words for words in taken.heard)


def test_given_help_and_repeat_keys_when_pressed_then_the_menu_is_said_again() -> None:
    menu = "  first: {do: menu, text: Press 1., keys: {'1': bye}, repeat: '9', help: {key: '0', text: Press it.}}\n"
    taken = call(flow_of(menu + BYE), "9", "0", "1")
    assert taken.heard == ["Press 1.", "Press 1.", "Press it.", "Press 1.", "Bye."]


@mark.parametrize(
    ("kind", "fields", "typed", "said"),
    [
        ("date", "", "31032026", "2026-03-31"),
        ("date", ", date_order: mdy", "03312026", "2026-03-31"),
        ("time", "", "1730", "17:30"),
        ("number", "", "42#", "42"),
        ("digits", ", check: luhn", "79927398713#", "79927398713"),
        ("digits", ", check: ruc", "20100070970#", "20100070970"),
        ("digits", ", check: dni, length: 9", "123456789", "123456789"),
    ],
)
def test_given_digits_of_a_kind_when_collected_then_they_are_said_back_and_kept(
    kind: str, fields: str, typed: str, said: str
) -> None:
    collect = f"  first: {{do: collect, text: Type., into: x, confirm: true, next: end{fields}}}\n"
    flow = flow_of(collect + "  end: {do: goodbye, text: 'Got {x}.'}\n", f"variables: {{x: {{type: {kind}}}}}")
    taken = call(flow, typed, "1")
    assert f"You entered {said} . If that is right, press 1. To change it, press 2." in taken.heard
    assert taken.heard[-1] == f"Got {said} ."


@mark.parametrize(
    ("kind", "fields", "typed"),
    [
        ("date", "", "31022026"),
        ("time", "", "2560"),
        ("digits", ", check: luhn", "79927398710#"),
        ("digits", ", check: ruc", "20100070971#"),
        ("digits", ", check: dni, length: 9", "123456782"),
        ("digits", ", length: 4", "12#"),
        ("digits", ", least: 3", "1*2#"),
    ],
)
def test_given_digits_that_do_not_fit_when_collected_then_the_invalid_branch_is_taken(
    kind: str, fields: str, typed: str
) -> None:
    collect = f"  first: {{do: collect, text: Type., into: x, tries: 1, next: bye, invalid: no{fields}}}\n"
    flow = flow_of(collect + BYE + "  no: {do: goodbye, text: No.}\n", f"variables: {{x: {{type: {kind}}}}}")
    assert call(flow, typed).nodes == ["first", "no"]


AUTH = (
    "  first: {do: authenticate, method: one_time_code, account: caller, channel: sms, to: caller, length: 6, next: in,"
    " wrong: out, locked: out, failed: down}\n"
    "  in: {do: goodbye, text: In.}\n  out: {do: goodbye, text: Out.}\n  down: {do: goodbye, text: Down.}\n"
)


@mark.parametrize(
    ("keys", "given", "end"),
    [
        (("{code}",), {}, "in"),
        (("000001", "{code}"), {}, "in"),
        (("000001", "000002", "000003"), {}, "out"),
        ((), {"down": ["messages"]}, "down"),
    ],
)
def test_given_a_one_time_code_when_typed_then_only_the_right_one_proves_identity(
    keys: tuple[str, ...], given: dict[str, Any], end: str
) -> None:
    taken = call(flow_of(AUTH), *keys, **given)
    assert taken.nodes == ["first", end]
    assert not taken.code or taken.code not in str(taken.messages)


def test_given_a_locked_account_when_it_calls_again_then_it_is_refused_even_with_the_right_pin() -> None:
    given = Given.model_validate(
        {"lookups": {"pins": [{"when": {"pin": "1234"}, "found": {"ok": True}}, {"found": {}}]}}
    )
    flow = flow_of(
        "  first: {do: authenticate, method: pin, account: caller, text: PIN., source: pins, next: in, wrong: out,"
        " locked: shut}\n  in: {do: goodbye, text: In.}\n  out: {do: goodbye, text: Out.}\n"
        "  shut: {do: goodbye, text: Shut.}\n"
    )

    async def three_calls() -> list[str]:
        clock, ends = VirtualClock(), []
        locks = simulated_world(given, Walk(), clock, random.Random(1)).locks
        for keys, pause_s in ((("1", "1111", "2222", "3333"), 0.0), (("1234",), 0.0), (("1234",), 1900.0)):
            await asyncio.sleep(pause_s)
            taken = Walk()
            world = replace(simulated_world(given, taken, clock, random.Random(1)), locks=locks)
            await Session(flow, SimulatedLine(given, Presses(*keys[-3:]), taken, lambda line: None), world).run()
            ends.append(taken.nodes[-1])
        return ends

    assert run_virtual(three_calls()) == ["shut", "shut", "in"]


PAY = (
    "  first: {do: payment, amount: 12.5, currency: EUR, into: token, next: paid, cancelled: bye, refused: no}\n"
    "  paid: {do: goodbye, text: 'Paid, {token:text}.'}\n  no: {do: goodbye, text: No.}\n" + BYE
)


def test_given_a_card_when_paid_then_its_digits_are_in_nothing_that_is_kept(caplog: Any, capsys: Any) -> None:
    flow = flow_of(PAY, "variables: {token: {type: text}}")
    taken = call(flow, *CARD)
    assert taken.heard[-1] == "Paid, token-1 ."
    kept = f"{taken!r} {taken.events!r} {caplog.text} {capsys.readouterr()}"
    for digits in ("4111", "1230", "123#"):
        assert digits not in kept


@mark.parametrize(
    ("keys", "given", "end"),
    [
        (("*",), {}, "bye"),
        (("4111111111111112#", *CARD), {}, "paid"),
        (("4111111111111111#", "1320", "0101", "1230", "12#", "123#"), {}, "paid"),
        (CARD, {"card_refused": True}, "no"),
        (CARD, {"down": ["payments"]}, "rescue"),
    ],
)
def test_given_slips_and_refusals_when_paying_then_each_has_its_branch(
    keys: tuple[str, ...], given: dict[str, Any], end: str
) -> None:
    taken = call(flow_of(PAY, "variables: {token: {type: text}}"), *keys, **given)
    assert taken.nodes[-1] == end


LOOKUP = (
    "  first: {do: lookup, source: s, ask: {who: caller}, into: {x: x}, timeout_s: 6, next: end, not_found: none}\n"
)
ENDS = "  end: {do: goodbye, text: 'It is {x}.'}\n  none: {do: goodbye, text: None.}\n"


@mark.parametrize(
    ("answer", "end", "trouble"),
    [
        ({"found": {"x": 5}}, "end", ""),
        ({"found": {"y": 5}}, "rescue", "gave no field 'x'"),
        ({"found": {"x": "five"}}, "rescue", "a number was wanted"),
        ({}, "none", ""),
        ({"down": True}, "rescue", "is down"),
        ({"slow_s": 60, "found": {"x": 5}}, "rescue", "no answer within 6 s"),
        ({"slow_s": 2, "found": {"x": 5}}, "end", ""),
    ],
)
def test_given_a_back_end_when_looked_up_then_every_way_it_answers_has_a_branch(
    answer: dict[str, Any], end: str, trouble: str
) -> None:
    taken = call(flow_of(LOOKUP + ENDS, "variables: {x: {type: number}}"), lookups={"s": answer})
    assert taken.nodes[-1] == end
    assert trouble in " ".join(taken.troubles)
    if "slow_s" in answer:
        assert "One moment, please." in taken.heard


def test_given_nobody_anywhere_when_something_fails_then_a_callback_is_kept_before_it_is_promised() -> None:
    flow = flow_of("  first: {do: lookup, source: s, next: bye}\n" + BYE)
    taken = call(flow, queues={"people": {"end": "no_agents"}})
    assert exit_of(taken) == "callback"
    assert [request.phone for request in taken.callbacks] == ["+34600100200"]
    without_store = call(flow, queues={"people": {"end": "no_agents"}}, down=["store"])
    assert exit_of(without_store) == "told"
    assert "call you back" not in " ".join(without_store.heard)
    without_number = call(flow, queues={"people": {"end": "full"}}, caller="")
    assert exit_of(without_number) == "told"


def test_given_a_loop_that_the_checker_cannot_see_when_called_then_the_caller_is_rescued() -> None:
    flow = flow_of("  first: {do: branch, cases: [{when: '1 == 1', go: first}], else: bye}\n" + BYE)
    taken = call(flow)
    assert exit_of(taken) == "talked"
    assert "a loop without the caller" in " ".join(taken.troubles)


def test_given_a_menu_that_leads_to_itself_when_the_caller_stays_silent_then_it_ends_within_the_flow_s_time() -> None:
    flow = flow_of("  first: {do: menu, text: T., keys: {'1': bye}, no_input: first}\n" + BYE, "longest_s: 120")
    taken = call(flow)
    assert exit_of(taken) == "talked"
    assert taken.ended is not None and taken.ended.spent_s < 120 + 60 + 120


def test_given_a_plugin_that_raises_when_called_then_the_caller_does_not_pay_for_it() -> None:
    class Broken(SimulatedLine):
        async def transfer(self, order: Any) -> Any:
            raise ZeroDivisionError("4321")

    async def one_call() -> Walk:
        taken, given = Walk(), Given()
        flow = flow_of("  first: {do: transfer, kind: number, to: caller}\n")
        world = simulated_world(given, taken, VirtualClock(), random.Random(1))
        taken.ended = await Session(flow, Broken(given, Presses(), taken, lambda line: None), world).run()
        return taken

    taken = run_virtual(one_call())
    assert exit_of(taken) == "talked"
    assert "unexpected ZeroDivisionError" in " ".join(taken.troubles)
    assert "4321" not in " ".join(taken.troubles)


def test_given_a_survey_answer_when_the_caller_hangs_up_at_once_then_it_was_kept_before() -> None:
    survey = "  first: {do: survey, question: q, scale: nps, text: Score., next: more}\n"
    taken = call(flow_of(survey + "  more: {do: menu, text: M., keys: {'1': bye}}\n" + BYE), "10", "h")
    assert exit_of(taken) == "caller_left"
    assert [(answer.question, answer.score) for answer in taken.surveys] == [("q", 10)]
    left = [event for event in taken.events if isinstance(event, NodeLeft) and event.caller_left]
    assert [event.node for event in left] == ["more"]


def test_given_a_queue_when_the_agent_sends_the_caller_to_the_survey_then_the_answer_names_the_agent() -> None:
    flow = flow_of(
        "  first: {do: queue, queue: people, survey: ask}\n"
        "  ask: {do: survey, question: q, scale: csat, text: Score., next: bye}\n" + BYE
    )
    taken = call(flow, "4", queues={"people": {"to_survey": True, "position": 3, "wait_s": 95.4}})
    assert "You are number 3 in the queue. The waiting time is 95 s ." in " ".join(taken.heard).replace(
        "number 3 in", "number 3 in"
    )
    assert [(answer.score, answer.agent_id) for answer in taken.surveys] == [(4, "ana")]
    assert taken.ended is not None and not taken.ended.contained


def test_given_a_bookmark_of_another_process_when_a_session_starts_then_the_caller_goes_on_there() -> None:
    flow = flow_of(
        "  first: {do: say, text: Hi., next: end}\n  end: {do: goodbye, text: 'It is {x}.'}\n", "variables: {x: {}}"
    )

    async def one_call() -> Walk:
        taken, given = Walk(), Given()
        world = simulated_world(given, taken, VirtualClock(), random.Random(1))
        mark = Bookmark("simulated", "small", flow.version, "end", "en", {"x": "kept"})
        await Session(flow, SimulatedLine(given, Presses(), taken, lambda line: None), world, mark).run()
        return taken

    assert run_virtual(one_call()).heard == ["It is kept ."]


def test_given_a_caller_who_is_gone_before_the_first_word_when_called_then_the_session_ends_quietly() -> None:
    class Gone(SimulatedLine):
        async def play(self, media: Any, *, barge_in: bool = True) -> Any:
            raise CallerGone("gone")

    async def one_call() -> Walk:
        taken, given = Walk(), Given()
        world = simulated_world(given, taken, VirtualClock(), random.Random(1))
        taken.ended = await Session(flow_of(BYE, start="bye"), Gone(given, Presses(), taken, print), world).run()
        return taken

    assert exit_of(run_virtual(one_call())) == "caller_left"


@mark.parametrize("store", ["survey", "callback", "voicemail"])
def test_given_a_slow_store_when_the_caller_hangs_up_meanwhile_then_what_was_given_is_kept(store: str) -> None:
    nodes = {
        "survey": "  first: {do: survey, question: q, scale: csat, text: Score., next: bye}\n",
        "callback": "  first: {do: callback, queue: q, offer: false}\n",
        "voicemail": "  first: {do: voicemail, text: Speak., mailbox: m, next: bye}\n",
    }

    class HangsUpWhileWaiting(SimulatedLine):
        is_gone = False

        async def play(self, media: Any, *, barge_in: bool = True) -> Any:
            self.is_gone |= media == ("One moment, please.",)
            if self.is_gone:
                raise CallerGone("gone")
            return await super().play(media, barge_in=barge_in)

    class Slow:
        def __init__(self, kept: list[str]) -> None:
            self.kept = kept

        async def keep(self, what: Any) -> None:
            await asyncio.sleep(4.0)
            self.kept.append(type(what).__name__)

        survey = callback = voicemail = keep

    async def one_call() -> tuple[Walk, list[str]]:
        taken, given, kept = Walk(), Given(), list[str]()
        world = replace(simulated_world(given, taken, VirtualClock(), random.Random(1)), answers=Slow(kept))
        caller = Presses("s5" if store == "voicemail" else "1")
        line = HangsUpWhileWaiting(given, caller, taken, lambda line: None)
        taken.ended = await Session(flow_of(nodes[store] + BYE), line, world).run()
        return taken, kept

    taken, kept = run_virtual(one_call())
    assert exit_of(taken) == "caller_left"
    assert len(kept) == 1


def test_given_a_node_that_stops_when_a_session_is_cancelled_then_the_call_and_its_bookmark_stay() -> None:
    async def one_call() -> tuple[Walk, list[str]]:
        taken, given, dropped = Walk(), Given(), list[str]()

        class Bookmarks:
            def keep(self, bookmark: Bookmark) -> None:
                pass

            async def kept(self, call_id: str) -> bool:
                return True

            def drop(self, call_id: str) -> None:
                dropped.append(call_id)

        world = replace(simulated_world(given, taken, VirtualClock(), random.Random(1)), bookmarks=Bookmarks())
        session = Session(flow_of(BYE, start="bye"), SimulatedLine(given, Presses(), taken, lambda line: None), world)
        task = asyncio.create_task(session.run())
        await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.wait({task})
        return taken, dropped

    taken, dropped = run_virtual(one_call())
    assert taken.heard == ["Bye."] and not taken.hung_up and dropped == []


@mark.parametrize("can_be_said", [True, False])
def test_given_a_switch_whose_message_cannot_be_spoken_when_it_is_on_then_the_flow_s_own_words_are(
    can_be_said: bool,
) -> None:
    nodes = "  first: {do: emergency, switch: fire, text: Closed., on: bye, next: no}\n  no: {do: goodbye, text: No.}\n"
    flow = flow_of(nodes + BYE)

    async def one_call() -> Walk:
        taken, given = Walk(), Given.model_validate({"switches": {"fire": "Fire in the hall."}})
        world = simulated_world(given, taken, VirtualClock(), random.Random(1))

        class Speech:
            async def render(self, parts: Any, language: str) -> tuple[str, ...]:
                if not can_be_said and "hall" in str(parts[0].value):
                    raise PortTrouble("there is no such prompt")
                return await world.speech.render(parts, language)

        line = SimulatedLine(given, Presses(), taken, lambda said: None)
        await Session(flow, line, replace(world, speech=Speech())).run()
        return taken

    taken = run_virtual(one_call())
    assert taken.heard[0] == ("Fire in the hall." if can_be_said else "Closed.") and taken.nodes == ["first", "bye"]
    assert any("message of switch 'fire'" in trouble for trouble in taken.troubles) is not can_be_said
