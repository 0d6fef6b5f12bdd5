from pytest import mark

from ivr.checker import Known, check
from ivr.flow import FlowError, read_flow

HEAD = "flow: f\nlanguage: en\nzone: UTC\nstart: a\n"
RESCUE = "rescue: {queue: people}\n"
BYE = "  bye: {do: goodbye, text: Bye.}\n"
NODES = HEAD + RESCUE + "nodes:\n"
VARIABLES = HEAD + RESCUE + "variables:\n"


def findings_of(text: str, known: Known | None = None) -> list[str]:
    try:
        loaded = read_flow(text, "f.yaml")
    except FlowError as error:
        return str(error).splitlines()
    return [finding.said("f.yaml") for finding in check(loaded, known)]


@mark.parametrize(
    ("text", "line", "words"),
    [
        (NODES + "  a: {do: say, text: Hi., next: byе}\n" + BYE, 7, "name"),
        (NODES + "  a: {do: say, text: Hi., next: by}\n" + BYE, 7, "did you mean 'bye'?"),
        (NODES + BYE, 4, "there is no node 'a'"),
        (
            NODES + "  a: {do: goodbye, text: Bye.}\n  b: {do: goodbye, text: Hi.}\n",
            8,
            "no branch leads",
        ),
        (NODES + "  a: {do: sayy, text: Hi., next: bye}\n" + BYE, 7, "did you mean `say`?"),
        (NODES + "  a: {text: Hi., next: bye}\n" + BYE, 7, "`do:` is missing"),
        (NODES + "  a:\n    do: say\n    txt: Hi.\n    next: bye\n" + BYE, 9, "did you mean `text`?"),
        (NODES + "  a:\n    do: say\n    text: ''\n    next: bye\n" + BYE, 9, "is empty"),
        (NODES + "  a:\n    do: say\n    text: Hi {name\n    next: bye\n" + BYE, 9, "lone '{'"),
        (
            NODES + "  a:\n    do: say\n    text: Hi {nam}.\n    next: bye\n" + BYE,
            9,
            "no variable 'nam'",
        ),
        (
            NODES + "  a:\n    do: say\n    text: 'Hi {caller:song}.'\n    next: bye\n" + BYE,
            9,
            "no way to speak",
        ),
        (
            NODES + "  a:\n    do: say\n    text: 'Hi {caller:money}.'\n    next: bye\n" + BYE,
            9,
            "is no money",
        ),
        (
            NODES + "  a:\n    do: branch\n    cases:\n      - when: caller >\n        go: bye\n    else: bye\n" + BYE,
            10,
            "missing at the end",
        ),
        (
            NODES + "  a:\n    do: branch\n    cases:\n      - when: caller > 3\n        go: bye\n"
            "    else: bye\n" + BYE,
            10,
            "cannot compare",
        ),
        (
            NODES + "  a:\n    do: menu\n    text: Press 1.\n    keys: {'1': a}\n",
            7,
            "a dead end",
        ),
        (
            NODES + "  a: {do: say, text: A., next: b}\n  b: {do: goto, to: a}\n",
            7,
            "an endless loop (a, b)",
        ),
        (
            HEAD + "nodes:\n  a:\n    do: menu\n    text: Press 1.\n    keys: {'1': bye}\n"
            "  bye: {do: goodbye, text: Bye., failed: a}\n",
            6,
            "nobody handles `no_input:`, `invalid:`, `failed:`",
        ),
        (
            HEAD + RESCUE + "languages: [es]\nnodes:\n  a:\n    do: goodbye\n    text: {en: Bye.}\n",
            10,
            "says nothing in es",
        ),
        (HEAD + RESCUE + "languages: [es]\nnodes:\n  a:\n    do: goodbye\n    text: Bye.\n", 10, "one text for en, es"),
        (
            VARIABLES + "  pin: {type: digits, sensitive: true}\nnodes:\n  a:\n    do: collect\n"
            "    text: PIN?\n    into: pin\n    next: bye\n  bye:\n    do: goodbye\n    text: Your PIN is {pin}.\n",
            16,
            "the sensitive variable 'pin'",
        ),
        (
            VARIABLES + "  pin: {type: digits, sensitive: true}\n  open: {type: text}\nnodes:\n  a:\n"
            "    do: collect\n    text: PIN?\n    into: pin\n    next: b\n  b:\n    do: set\n    set:\n"
            "      open: pin\n    next: bye\n" + BYE,
            18,
            "the sensitive variable 'pin'",
        ),
        (
            VARIABLES + "  pin: {type: digits, sensitive: true}\nnodes:\n  a:\n    do: collect\n"
            "    text: PIN?\n    into: pin\n    next: b\n  b:\n    do: queue\n    queue: people\n    screen:\n"
            "      p: pin\n",
            18,
            "the sensitive variable 'pin'",
        ),
        (
            VARIABLES + "  card_pin: {type: digits}\nnodes:\n  a:\n    do: collect\n    text: PIN?\n"
            "    into: card_pin\n    next: bye\n" + BYE,
            7,
            "this is a secret",
        ),
        (
            VARIABLES + "  x: {type: money}\nnodes:\n  a: {do: set, set: {x: 1}, next: bye}\n" + BYE,
            7,
            "currency",
        ),
        (
            VARIABLES + "  x: {type: text}\nnodes:\n  a:\n    do: goodbye\n    text: Hi {x}.\n",
            7,
            "filled by no node",
        ),
        (NODES + "  a: {do: set, set: {caller: '1'}, next: bye}\n" + BYE, 7, "set by the engine"),
        (HEAD.replace("UTC", "Lima") + RESCUE + "nodes:\n  a: {do: goodbye, text: Bye.}\n", 3, "no time zone"),
        (
            HEAD
            + RESCUE
            + "nodes:\n  a:\n    do: hours\n    hours: [mon-fri 9-18]\n    open: bye\n    closed: bye\n"
            + BYE,
            9,
            "no calling window",
        ),
        (
            NODES + "  a:\n    do: menu\n    text: T.\n    keys: {'1': bye, '12': bye}\n" + BYE,
            10,
            "is no key",
        ),
        (
            NODES + "  a:\n    do: menu\n    text: T.\n    keys: {'1': bye}\n    repeat: '1'\n" + BYE,
            7,
            "two meanings",
        ),
        (
            NODES + "  a:\n    do: callback\n    queue: people\n",
            7,
            "`declined:` is missing",
        ),
        (HEAD + RESCUE + "nodes: {}\n", 6, "at least 1 item"),
        (HEAD + RESCUE, 1, "`nodes:` is missing"),
    ],
)
def test_given_a_broken_flow_when_checked_then_one_message_has_its_line_and_how_to_mend_it(
    text: str, line: int, words: str
) -> None:
    found = findings_of(text)
    matching = [each for each in found if words in each]
    assert len(matching) == 1, found
    assert matching[0].startswith(f"f.yaml:{line}: "), matching


def test_given_names_that_the_settings_do_not_know_when_checked_then_each_is_told() -> None:
    text = NODES + "  a: {do: play, recording: hello, next: b}\n  b: {do: queue, queue: sale}\n"
    known = Known(prompts={"en": frozenset()}, queues=frozenset({"sales", "people"}))
    found = findings_of(text, known)
    assert any("no recorded prompt 'hello' in 'en'" in each and ":7:" in each for each in found)
    assert any("did you mean 'sales'?" in each and ":8:" in each for each in found)
    assert not any("people" in each for each in found)


def test_given_a_counted_retry_when_checked_then_the_loop_is_allowed() -> None:
    text = (
        VARIABLES + "  n: {type: number, start: 0}\nnodes:\n"
        "  a: {do: lookup, source: s, next: bye, failed: count}\n"
        "  count: {do: set, set: {n: n + 1}, next: again}\n"
        "  again: {do: branch, cases: [{when: n < 3, go: a}], else: bye}\n" + BYE
    )
    assert findings_of(text) == []


@mark.parametrize(
    ("nodes", "told"),
    [
        ("  a: {do: say, text: A., next: b}\n  b: {do: goto, to: a}\n", ["endless loop (a, b)"]),
        ("  a: {do: say, text: A., next: b}\n  b: {do: menu, text: B., keys: {'1': c}}\n"
         "  c: {do: say, text: C., next: b}\n", ["f.yaml:8: nodes.b: a dead end"]),
        ("  a: {do: menu, text: A., keys: {'1': b, '2': c}}\n  b: {do: menu, text: B., keys: {'1': b}}\n"
         "  c: {do: say, text: C., next: d}\n  d: {do: goto, to: c}\n",
         ["f.yaml:8: nodes.b: a dead end", "endless loop (c, d)"]),
    ],
)  # fmt: skip
def test_given_callers_who_are_caught_when_checked_then_it_is_told_once_and_where_to_mend_it(
    nodes: str, told: list[str]
) -> None:
    found = findings_of(NODES + nodes)
    assert len(found) == len(told) and all(words in each for words, each in zip(told, found, strict=True)), found
