"""Given, when, then beside a flow: `name.test.yaml` says what callers do to `name.yaml` and what must come of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, ValidationError, model_validator

from ivr.events import Exit
from ivr.fields import Part
from ivr.flow import Finding, FlowError, LoadedFlow, findings_of
from ivr.given import Answer, Given, QueueGiven
from ivr.line import KeyRequest, RecordRequest
from ivr.simulate import Act, Walk, walk
from ivr.yaml_text import Path, YamlRefused, read_yaml

CODE = "{code}"
"""In `press`: the one-time code that was sent last."""


def _spelled(raw: Any) -> Any:
    return {raw: True} if raw in ("silence", "hang_up") else raw


class Action(Part):
    """What the caller does: `press: "1"`, `silence`, `hang_up`, `speak_s: 4`."""

    press: Annotated[str, Field(pattern=r"^([0-9*#]|\{code\})*$")] | None = None
    silence: bool = False
    hang_up: bool = False
    speak_s: float | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum((self.press is not None, self.silence, self.hang_up, self.speak_s is not None)) != 1:
            raise ValueError('write one of press: "1", silence, hang_up, speak_s: 4')
        return self


class Then(Part):
    """What must have happened. path: exactly these nodes; passes: these in this order, others between them."""

    exit: Exit | None = None
    path: list[str] | None = None
    passes: list[str] = Field(default_factory=list)
    hears: list[str] = Field(default_factory=list)
    never_hears: list[str] = Field(default_factory=list)
    variables: dict[str, str | int | float | bool | None] = Field(default_factory=dict)
    callbacks: int | None = None
    voicemails: int | None = None
    messages: int | None = None
    hooks: list[str] | None = None
    surveys: dict[str, int] | None = None


class Scenario(Part):
    """One call."""

    name: str
    given: dict[str, Any] = Field(default_factory=dict)
    when: list[Annotated[Action, BeforeValidator(_spelled)]] = Field(default_factory=list)
    then: Then


class Script(Part):
    """A test file. given: what holds for every scenario that says nothing else (lookups and queues are merged)."""

    given: dict[str, Any] = Field(default_factory=dict)
    scenarios: Annotated[list[Scenario], Field(min_length=1)]


_FIELDS = [name for part in (Script, Scenario, Action, Then, Given, QueueGiven, Answer) for name in part.model_fields]


@dataclass(frozen=True, slots=True)
class Result:
    """How a scenario went. problems: what was not as said, one a line."""

    name: str
    problems: tuple[str, ...]
    walk: Walk


def script_of(flow_file: FilePath) -> FilePath:
    """The test file beside a flow."""
    return flow_file.with_name(f"{flow_file.stem}.test.yaml")


def read_script(path: FilePath) -> Script:
    """Read a test file. Raises FlowError with file and line."""
    try:
        text = read_yaml(path.read_text(encoding="utf-8"))
    except YamlRefused as error:
        raise FlowError(str(path), (Finding((), str(error), error.line),)) from None
    except (OSError, UnicodeDecodeError) as error:
        raise FlowError(str(path), (Finding((), f"cannot be read: {error}"),)) from None
    try:
        where: Path = ()
        script = Script.model_validate(text.value)
        where = ("given",)
        Given.model_validate(script.given)
        for number, scenario in enumerate(script.scenarios):
            where = ("scenarios", number, "given")
            given_of(script, scenario)
    except ValidationError as error:
        raise FlowError(str(path), findings_of(error, text, where, _FIELDS)) from None
    return script


def given_of(script: Script, scenario: Scenario) -> Given:
    """What holds in a scenario."""
    merged = dict(script.given)
    for name, value in scenario.given.items():
        before = merged.get(name)
        merged[name] = {**before, **value} if isinstance(before, dict) and isinstance(value, dict) else value
    return Given.model_validate(merged)


def run_script(loaded: LoadedFlow, script: Script) -> Iterator[Result]:
    """Walk every scenario."""
    for scenario in script.scenarios:
        taken = walk(loaded, given_of(script, scenario), _Actor(scenario.when))
        yield Result(scenario.name, tuple(_problems(scenario.then, taken)), taken)


class _Actor:
    """Does the next thing of the script whenever the flow waits; afterwards stays silent."""

    def __init__(self, actions: list[Action]) -> None:
        self._left = list(actions)

    async def __call__(self, taken: Walk, request: KeyRequest | RecordRequest) -> Act:
        if not self._left:
            return Act()
        action = self._left.pop(0)
        press = (action.press or "").replace(CODE, taken.code)
        return Act(press, action.speak_s or 0.0, action.hang_up)


def _problems(then: Then, taken: Walk) -> Iterator[str]:
    ended = taken.ended
    reached = ended.exit if ended else None
    if then.exit is not None and reached is not then.exit:
        yield f"the call ended with {reached}, not {then.exit}; it went {' > '.join(taken.nodes)}"
    if then.path is not None and then.path != taken.nodes:
        yield f"the path was {' > '.join(taken.nodes)}, not {' > '.join(then.path)}"
    if not _in_order(then.passes, taken.nodes):
        yield f"the path was {' > '.join(taken.nodes)}; it does not pass {' > '.join(then.passes)}"
    heard = "\n".join(taken.heard)
    yield from (f"the caller never heard {words!r}" for words in then.hears if words not in heard)
    yield from (f"the caller heard {words!r}" for words in then.never_hears if words in heard)
    yield from _value_problems(then, taken)
    yield from _count_problems(then, taken)


def _in_order(wanted: list[str], nodes: list[str]) -> bool:
    rest = iter(nodes)
    return all(node in rest for node in wanted)


def _value_problems(then: Then, taken: Walk) -> Iterator[str]:
    for name, wanted in then.variables.items():
        value = taken.variables.get(name)
        if (None if value is None else str(value)) != (None if wanted is None else str(wanted)):
            yield f"variable {name} is {value!r}, not {wanted!r}"


def _count_problems(then: Then, taken: Walk) -> Iterator[str]:
    counts = {
        "callbacks": (len(taken.callbacks), then.callbacks),
        "voicemails": (len(taken.voicemails), then.voicemails),
        "messages": (len(taken.messages), then.messages),
    }
    for name, (happened, wanted) in counts.items():
        if wanted is not None and happened != wanted:
            yield f"there were {happened} {name}, not {wanted}"
    if then.hooks is not None and then.hooks != taken.hooks:
        yield f"the hooks called were {taken.hooks}, not {then.hooks}"
    answers = {answer.question: answer.score for answer in taken.surveys}
    if then.surveys is not None and then.surveys != answers:
        yield f"the survey answers were {answers}, not {then.surveys}"
