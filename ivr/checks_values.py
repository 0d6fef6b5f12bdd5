"""Checks of variables and expressions: unknown, never set, wrong type, and sensitive values that would leak."""

import difflib
from collections.abc import Iterator, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from ivr.expression import Expression, Held
from ivr.fields import Formula, VariableName
from ivr.flow import Finding, Flow
from ivr.functions import ExpressionFailed, Moment
from ivr.graph import parts_of
from ivr.nodes.decide import Set
from ivr.nodes.lookup import Lookup
from ivr.nodes.payment import Payment
from ivr.nodes.people import Queue
from ivr.port import SayAs
from ivr.secret import Secret
from ivr.texts import Text
from ivr.variables import Kind, Variable
from ivr.visit import BUILT_IN
from ivr.yaml_text import Path

_MOMENT = Moment(datetime(2026, 1, 2, 3, 4))
_SAMPLES: dict[Kind, Any] = {
    Kind.TEXT: "1",
    Kind.DIGITS: "1",
    Kind.PHONE: "+34600000000",
    Kind.NUMBER: Decimal(7),
    Kind.MONEY: Decimal(7),
    Kind.DATE: date(2026, 1, 2),
    Kind.TIME: time(3, 4),
    Kind.MOMENT: datetime(2026, 1, 2, 3, 4),
    Kind.FLAG: True,
}
_NUMBER = (int, Decimal)
_FITS: dict[SayAs, tuple[type, ...]] = {
    SayAs.TEXT: (str,),
    SayAs.NUMBER: _NUMBER,
    SayAs.MONEY: _NUMBER,
    SayAs.DURATION: _NUMBER,
    SayAs.DATE: (date,),
    SayAs.TIME: (time, datetime),
    SayAs.PHONE: (str,),
    SayAs.DIGITS: (str,),
    SayAs.LETTERS: (str,),
    SayAs.ORDINAL: _NUMBER,
    SayAs.ORDINAL_FEMININE: _NUMBER,
    SayAs.ORDINAL_MASCULINE: _NUMBER,
    SayAs.NUMBER_FEMININE: _NUMBER,
    SayAs.NUMBER_MASCULINE: _NUMBER,
}
_QUEUE_EXTRAS: dict[str, Any] = {"position": 2, "wait_s": 90, "waited_s": 30}


def value_findings(flow: Flow) -> Iterator[Finding]:
    """Unknown variables, wrong types, variables never set or never used."""
    declared = {**BUILT_IN, **flow.variables}
    for name, variable in flow.variables.items():
        yield from _declaration(name, variable)
    used: set[str] = set()
    for path, expression, how, extras in _expressions(flow):
        used |= expression.names()
        unknown = sorted(expression.names() - set(declared) - set(extras))
        for name in unknown:
            yield Finding(path, f"there is no variable {name!r}{_guess(name, declared)}")
        if not unknown:
            yield from _tried(path, expression, how, declared, extras)
    filled = set()
    for path, name in _filled(flow):
        filled.add(str(name))
        if name in BUILT_IN:
            yield Finding(path, f"{name!r} is set by the engine: fill a variable of your own")
        elif name not in flow.variables:
            yield Finding(path, f"there is no variable {name!r}{_guess(name, flow.variables)}")
    yield from _idle(flow, used, filled)


def _declaration(name: str, variable: Variable) -> Iterator[Finding]:
    path: Path = ("variables", name)
    if name in BUILT_IN:
        yield Finding(path, "the engine has a variable of this name: call it something else")
    if variable.type is Kind.MONEY and variable.currency is None:
        yield Finding(path, "money without a currency: add one, such as `currency: PEN`")


def _guess(word: str, choices: Mapping[str, Variable]) -> str:
    close = difflib.get_close_matches(word, list(choices), n=1)
    return f": did you mean {close[0]!r}?" if close else ": declare it under `variables:`"


def _idle(flow: Flow, used: set[str], filled: set[str]) -> Iterator[Finding]:
    for name, variable in flow.variables.items():
        if name not in used and name not in filled:
            yield Finding(("variables", name), "is used nowhere: remove it", warning=True)
        elif name not in filled and variable.start is None and not variable.from_call:
            message = "is filled by no node: fill it, give it a `start:`, or say `from_call: true` (the call brings it)"
            yield Finding(("variables", name), message)


def _filled(flow: Flow) -> Iterator[tuple[Path, str]]:
    for name, node in flow.nodes.items():
        for path, variable in parts_of(node, VariableName):
            yield ("nodes", name, *path), variable
        for field in ("into", "set"):
            mapping = getattr(node, field, None)
            if isinstance(mapping, Mapping):
                yield from ((("nodes", name, field, key), str(key)) for key in mapping)


def _expressions(flow: Flow) -> Iterator[tuple[Path, Expression, SayAs | None, Mapping[str, Any]]]:
    for name, node in flow.nodes.items():
        extras = _QUEUE_EXTRAS if isinstance(node, Queue) else {}
        for path, formula in parts_of(node, Formula):
            yield ("nodes", name, *path), formula.expression, None, {}
        for path, text in parts_of(node, Text):
            for language, insert in text.expressions():
                where: Path = ("nodes", name, *path, language) if language else ("nodes", name, *path)
                yield where, insert.expression, insert.how or _default_way(insert.expression, flow), extras
    for name, variable in flow.variables.items():
        if variable.start is not None:
            yield ("variables", name, "start"), variable.start.expression, None, {}


def _default_way(expression: Expression, flow: Flow) -> SayAs | None:
    from ivr.variables import SPOKEN_AS

    name = expression.is_name()
    variable = flow.variables.get(name) if name else None
    return SPOKEN_AS.get(variable.type) if variable else None


def _tried(
    path: Path,
    expression: Expression,
    how: SayAs | None,
    declared: Mapping[str, Variable],
    extras: Mapping[str, Any],
) -> Iterator[Finding]:
    """Work it out with one value of each variable's type: a wrong type shows now, not in a call."""
    sample: dict[str, Held] = {name: _sample(variable) for name, variable in declared.items()}
    try:
        value = expression.value({**sample, **extras}, _MOMENT)
    except ExpressionFailed as error:
        if "divides by zero" not in str(error):
            yield Finding(path, f"{expression.text!r}: {error}")
        return
    if how is not None and not isinstance(value, _FITS[how] + (Secret,)):
        yield Finding(path, f"{expression.text!r} is no {how}: it cannot be spoken as one")
    elif how is None and isinstance(value, bool) and path[-1] == "text":
        yield Finding(path, f"{expression.text!r} is true or false and cannot be spoken: use a branch")


def _sample(variable: Variable) -> Held:
    return Secret("1") if variable.sensitive else _SAMPLES[variable.type]


def leaks(flow: Flow) -> Iterator[Finding]:
    """Sensitive variables where they would be spoken, sent, shown, or copied into an open variable."""
    secret = {name for name, variable in flow.variables.items() if variable.sensitive}
    for path, expression, how, _ in _expressions(flow):
        told = sorted(expression.open_names() & secret)
        if told and not _may_stand(flow, path, expression, secret):
            where = "spoken or sent" if how is not None or "text" in path else "used"
            message = f"the sensitive variable {told[0]!r} would be {where} here: only a look-up's `ask:` may have it"
            yield Finding(path, message + "; last4() of a card may be told")
    for name, node in flow.nodes.items():
        if isinstance(node, Payment) and node.into in secret:
            message = "a token is not sensitive, and must be used later: keep it in an open variable"
            yield Finding(("nodes", name, "into"), message)


def _may_stand(flow: Flow, path: Path, expression: Expression, secret: set[str]) -> bool:
    if path[0] != "nodes" or expression.is_name() is None:
        return False
    node = flow.nodes[str(path[1])]
    if isinstance(node, Lookup) and path[2] == "ask":
        return True
    return isinstance(node, Set) and path[2] == "set" and path[3] in secret
