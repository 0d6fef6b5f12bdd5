"""A scenario: a centre's day as data. Lists and who answers them, agents, breaks, faults; read from TOML and checked.

Shares are of all calls unless they say otherwise. Times are seconds from the start of the shift.
"""

import json
import re
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields, is_dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from campaigns.toml_lines import line_of, lines_of_keys
from dialer.pacing.sim.distributions import STRICT, Distribution, Kind, Seconds
from dialer.pacing.sim.scenario_words import words_of

Share = Annotated[float, Field(ge=0, le=1)]
_Make = Callable[[], Distribution]


def _d(kind: Kind, mean_s: float = 0.0, cv: float = 1.0, low_s: float = 0.0, high_s: float = 0.0) -> _Make:
    return partial(Distribution, kind, mean_s, cv, low_s, high_s)


class ScenarioError(ValueError):
    """A scenario cannot be used; the message names the file and the field and says what is allowed there."""


class Clock(StrEnum):
    """Where the seconds a person may wait for an agent begin. Laws differ."""

    ANSWER = "answer"
    VERDICT = "verdict"
    GREETING_END = "greeting_end"


@dataclass(frozen=True, slots=True)
class CallList:
    """A kind of lead: who answers, after how long, and how long conversations last.

    people, machines, bad: shares of calls; the rest rings until the time-out. hang_up_early: share of people who are
    gone before the verdict. known_as: the list's name as the law knows it, when that is another one: people of one list
    who are otherwise at another hour.
    """

    name: str = "main"
    known_as: str = ""
    people: Share = 0.25
    machines: Share = 0.35
    bad: Share = 0.10
    hang_up_early: Share = 0.0
    ring: Distribution = field(default_factory=_d(Kind.LOG_NORMAL, mean_s=12.0, cv=0.5))
    bad_after: Distribution = field(default_factory=_d(Kind.UNIFORM, low_s=3.0, high_s=4.0))
    talk: Distribution = field(default_factory=_d(Kind.LOG_NORMAL, mean_s=150.0, cv=0.9))
    wrap_up: Distribution = field(default_factory=_d(Kind.GAMMA, mean_s=20.0, cv=0.6))

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    def __post_init__(self) -> None:
        """Refuse shares of more than everybody. Raises ValueError."""
        if self.people + self.machines + self.bad > 1 + 1e-9:
            raise ValueError(f"list {self.name!r}: people + machines + bad is over 1")


@dataclass(frozen=True, slots=True)
class Amd:
    """Answering machine detection. person_as_machine, machine_as_person: shares of errors.

    audited: machine verdicts that the centre had checked by ear before: the law knows the errors found among them.
    """

    enabled: bool = True
    person_delay: Distribution = field(default_factory=_d(Kind.UNIFORM, low_s=0.6, high_s=1.6))
    machine_delay: Distribution = field(default_factory=_d(Kind.UNIFORM, low_s=2.0, high_s=4.0))
    person_as_machine: Share = 0.0
    machine_as_person: Share = 0.0
    audited: Annotated[int, Field(ge=0, le=10_000_000)] = 2000

    __pydantic_config__: ClassVar[ConfigDict] = STRICT


@dataclass(frozen=True, slots=True)
class Rules:
    """What binds. cap: abandoned / people answered; connect_max_s: from `clock`; channels: lines for an agent."""

    cap: Annotated[float, Field(ge=0, le=1)] = 0.03
    connect_max_s: Annotated[float, Field(ge=0, le=30)] = 2.0
    clock: Clock = Clock.VERDICT
    greeting: Distribution = field(default_factory=_d(Kind.UNIFORM, low_s=0.5, high_s=1.5))
    ring_min_s: Annotated[float, Field(ge=0, le=120)] = 15.0
    ring_timeout_s: Annotated[float, Field(gt=0, le=63)] = 25.0
    channels_per_agent: Annotated[float, Field(gt=0, le=1000)] = 100.0
    calls_per_s_per_agent: Annotated[float, Field(gt=0, le=1000)] = 100.0
    tick_s: Annotated[float, Field(ge=0.1, le=60)] = 1.0

    __pydantic_config__: ClassVar[ConfigDict] = STRICT


@dataclass(frozen=True, slots=True)
class Segment:
    """From `at_s` on: which lists are dialled (name -> weight)."""

    at_s: Seconds = 0.0
    mix: dict[str, Annotated[float, Field(ge=0, le=100_000)]] = field(default_factory=dict)

    __pydantic_config__: ClassVar[ConfigDict] = STRICT


@dataclass(frozen=True, slots=True)
class Break:
    """A share of the agents is out for a while; each leaves after the call that it is in."""

    at_s: Seconds
    for_s: Seconds
    share: Share

    __pydantic_config__: ClassVar[ConfigDict] = STRICT


@dataclass(frozen=True, slots=True)
class Pauses:
    """Agents pause at random after a call. share: of calls that a pause follows."""

    share: Share = 0.0
    length: Distribution = field(default_factory=_d(Kind.EXPONENTIAL, mean_s=120.0))

    __pydantic_config__: ClassVar[ConfigDict] = STRICT


@dataclass(frozen=True, slots=True)
class Bursts:
    """Answers that come together: every so often the share of people is multiplied for a while."""

    every: Distribution = field(default_factory=_d(Kind.EXPONENTIAL, mean_s=600.0))
    length: Distribution = field(default_factory=_d(Kind.EXPONENTIAL, mean_s=60.0))
    factor: Annotated[float, Field(ge=0, le=20)] = 1.0

    __pydantic_config__: ClassVar[ConfigDict] = STRICT


@dataclass(frozen=True, slots=True)
class Dead:
    """The carrier is dead: calls placed then ring into nothing until the time-out."""

    at_s: Seconds
    for_s: Seconds

    __pydantic_config__: ClassVar[ConfigDict] = STRICT


@dataclass(frozen=True, slots=True)
class InterruptibleWrapUp:
    """An option that agents agreed to: a person with nobody idle ends a wrap-up that has lasted at least `after_s`.

    share: interruptions + 1 <= share x (calls + 3) for each agent; back_s is added to what is left, and given back
    with the next wrap-up.
    """

    share: Share = 0.0
    after_s: Seconds = 5.0
    back_s: Seconds = 3.0

    __pydantic_config__: ClassVar[ConfigDict] = STRICT


@dataclass(frozen=True, slots=True)
class Digital:
    """Blending: idle agents take WhatsApp or e-mail items that a call interrupts. switch_s: lost at each start."""

    enabled: bool = False
    switch_s: Seconds = 3.0

    __pydantic_config__: ClassVar[ConfigDict] = STRICT


@dataclass(frozen=True, slots=True)
class Scenario:
    """One shift. agents: unless the command line says otherwise; campaigns: 1, or 2 that share the agents.

    Campaign 2 dials the list named `second_list` all day.
    """

    name: str
    hours: Annotated[float, Field(gt=0, le=24)] = 6.0
    agents: Annotated[int, Field(ge=1, le=1000)] = 10
    lists: Annotated[tuple[CallList, ...], Field(min_length=1)] = (CallList(),)
    segments: tuple[Segment, ...] = ()
    breaks: tuple[Break, ...] = ()
    dead: tuple[Dead, ...] = ()
    second_list: str = ""
    rules: Rules = field(default_factory=Rules)
    amd: Amd = field(default_factory=Amd)
    pauses: Pauses = field(default_factory=Pauses)
    bursts: Bursts = field(default_factory=Bursts)
    interruptible_wrap_up: InterruptibleWrapUp = field(default_factory=InterruptibleWrapUp)
    digital: Digital = field(default_factory=Digital)
    folder: str = "."

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    @property
    def known_lists(self) -> list[str]:
        """The lists as the law knows them, in order."""
        return list(dict.fromkeys(each.known_as or each.name for each in self.lists))

    def __post_init__(self) -> None:
        """Refuse names of lists that do not exist. Raises ValueError."""
        names = [each.name for each in self.lists]
        if len(set(names)) < len(names):
            raise ValueError("lists: two have the same name")
        used = [name for segment in self.segments for name in segment.mix] + [self.second_list] * bool(self.second_list)
        for name in used:
            if name not in names:
                raise ValueError(f"segments: no list is named {name!r}; the lists are: {', '.join(names)}")
        for segment in self.segments:
            if sum(segment.mix.values()) <= 0:
                raise ValueError(f"segments: mix at {segment.at_s:g} s needs a weight over 0: {{ {names[0]} = 1 }}")


_ADAPTER: TypeAdapter[Scenario] = TypeAdapter(Scenario)


def parse(data: dict[str, Any], where: str, text: str = "") -> Scenario:
    """A scenario from plain data. text: the file it stood in, for line numbers. Raises ScenarioError naming the field.

    Files of one's own history are looked at here, so that a bad one is told before anything is computed.
    """
    try:
        # Strict JSON takes texts for enums and arrays for tuples, but never "3" for 3 or true for 1.
        scenario = _ADAPTER.validate_json(json.dumps(data, default=str), strict=True)
    except ValidationError as error:
        first, *rest = error.errors(include_url=False)
        others = sum(each["loc"] != ("lists",) for each in rest)  # a broken list also makes the lists too short
        more = f" (and {others} more to mend)" if others else ""
        raise _wrong(where, text, first["loc"], words_of(first, Scenario) + more) from None
    for path, distribution in _distributions(scenario, ()):
        if distribution.file:
            try:
                distribution.quantiles(scenario.folder)
            except ValueError as error:
                raise _wrong(where, text, (*path, "file"), str(error)) from None
    return scenario


def _wrong(where: str, text: str, path: tuple[str | int, ...], words: str) -> ScenarioError:
    if not path and (table := re.match(r"(\w+): ", words)):
        path, words = (table[1],), words.removeprefix(table[0])
    line = f":{line_of(lines_of_keys(text), path)}" if text and path else ""
    name = ".".join(str(part) for part in path)
    return ScenarioError(f"{where}{line}: {name + ': ' if name else ''}{words}")


def _distributions(part: object, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], Distribution]]:
    """Every distribution in a scenario, and where it stands."""
    if isinstance(part, Distribution):
        yield path, part
    elif isinstance(part, tuple):
        for index, each in enumerate(part):
            yield from _distributions(each, (*path, index))
    elif is_dataclass(part):
        for each_field in fields(part):
            yield from _distributions(getattr(part, each_field.name), (*path, each_field.name))


def read(path: Path) -> Scenario:
    """A scenario file. Raises ScenarioError naming the file, the line and the field."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ScenarioError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ScenarioError(f"{path}: is not text in UTF-8: a scenario is a TOML file") from None
    try:
        data = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # tomllib lets int() and deep nesting fail in their own way
        at = re.search(r" \(at line (\d+), column (\d+)\)", str(error))
        line, column = (f":{at[1]}", f" at column {at[2]}") if at else ("", "")
        what = re.sub(r" \(at .*\)$", "", str(error)).lower()
        raise ScenarioError(f"{path}{line}: is not TOML{column}: {what}; write key = value") from None
    return parse({"name": path.stem, **data, "folder": str(path.parent)}, str(path), text)
