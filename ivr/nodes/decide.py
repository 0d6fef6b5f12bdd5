"""Decisions that need no caller: variables, conditions, hours, emergency switches."""

from datetime import date, datetime
from typing import Annotated, ClassVar, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator, model_validator

from campaigns.calling_window import CallingWindow, is_zone, knows_holidays_of, parse_span
from ivr.fields import Formula, NodeName, Outside, Part, VariableName
from ivr.nodes.base import Node
from ivr.port import Spoken
from ivr.texts import Text
from ivr.values import PortTrouble
from ivr.visit import Go, Step, Visit


class Set(Node):
    """Give variables the values of expressions, in order."""

    failures: ClassVar[tuple[str, ...]] = ("failed",)
    do: Literal["set"]
    set: Annotated[dict[VariableName, Formula], Field(min_length=1)]
    next: NodeName
    failed: NodeName | None = None

    async def visit(self, at: Visit) -> Step:
        """Set."""
        for name, formula in self.set.items():
            at.store(name, at.held(formula))
        return Go("next", self.next)


class Case(Part):
    """When a condition holds, go there."""

    when: Formula
    go: NodeName


class Branch(Node):
    """Go by the first condition that holds, else by `else`."""

    failures: ClassVar[tuple[str, ...]] = ("failed",)
    do: Literal["branch"]
    cases: Annotated[tuple[Case, ...], Field(min_length=1, strict=False)]
    otherwise: NodeName = Field(alias="else")
    failed: NodeName | None = None

    async def visit(self, at: Visit) -> Step:
        """Decide."""
        for number, case in enumerate(self.cases, 1):
            if case.when.expression.is_true(at.variables, at.moment()):
                return Go(f"case {number}", case.go)
        return Go("else", self.otherwise)


class Holidays(Part):
    """Days that are closed. country: ISO 3166, region: its subdivision's code; dates: others."""

    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")] | None = None
    region: str = ""
    dates: tuple[date, ...] = Field(default=(), strict=False)

    @model_validator(mode="after")
    def _known(self) -> Self:
        if self.country and not knows_holidays_of(self.country, self.region):
            where = f"{self.country} {self.region}".strip()
            raise ValueError(f"no holiday calendar for {where}: use an ISO code such as PE or ES with region MD")
        return self


class Hours(Node):
    """Go by the opening hours: hours like "mon-fri 09:00-18:00", in `zone` (the flow's when not given)."""

    do: Literal["hours"]
    hours: Annotated[tuple[str, ...], Field(min_length=1, strict=False)]
    zone: str | None = None
    holidays: Holidays | None = None
    open: NodeName
    closed: NodeName
    holiday: NodeName | None = None

    @field_validator("hours")
    @classmethod
    def _spans(cls, hours: tuple[str, ...]) -> tuple[str, ...]:
        for span in hours:
            parse_span(span)
        return hours

    @field_validator("zone")
    @classmethod
    def _zone(cls, zone: str | None) -> str | None:
        if zone is not None and not is_zone(zone):
            raise ValueError(f"{zone!r} is no time zone: use a name such as America/Lima")
        return zone

    async def visit(self, at: Visit) -> Step:
        """Look at the clock."""
        zone = self.zone or at.flow.zone
        if self._is_holiday(datetime.fromtimestamp(at.now_s(), ZoneInfo(zone)).date()):
            return Go("holiday", self.holiday) if self.holiday else Go("closed", self.closed)
        window = CallingWindow(tuple(parse_span(span) for span in self.hours))
        return Go("open", self.open) if window.is_open(at.now_s(), zone) else Go("closed", self.closed)

    def _is_holiday(self, day: date) -> bool:
        from campaigns.calling_window import is_holiday

        rule = self.holidays
        if rule is None:
            return False
        return day in rule.dates or (rule.country is not None and is_holiday(day, rule.country, rule.region))


class Emergency(Node):
    """When a supervisor flipped the switch on: say its message (else `text`) and go to `on`; otherwise go on.

    A message that cannot be spoken is no reason to say nothing: then `text` is said.
    """

    failures: ClassVar[tuple[str, ...]] = ("failed",)
    do: Literal["emergency"]
    switch: Outside
    text: Text
    on: NodeName
    next: NodeName
    failed: NodeName | None = None

    async def visit(self, at: Visit) -> Step:
        """Look at the switch."""
        switch = at.world.switches.on(self.switch)
        if switch is None:
            return Go("next", self.next)
        if switch.message is None or not await self._told(at, switch.message):
            await at.say(self.text)
        return Go("on", self.on)

    async def _told(self, at: Visit, message: Spoken) -> bool:
        try:
            await at.say_parts((message,))
        except PortTrouble as error:
            at.trouble(f"the message of switch {self.switch!r}: {error}")
            return False
        return True
