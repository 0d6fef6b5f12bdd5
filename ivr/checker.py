"""Proves a flow sound before a caller meets it: one message for each thing to mend, with file, line and how."""

import difflib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path as FilePath

from campaigns.calling_window import is_zone
from ivr.checks_values import leaks, value_findings
from ivr.flow import Finding, Flow, FlowError, LoadedFlow, load_flow
from ivr.graph import Edge, circles, edges_of, parts_of, reached_from, targets_of
from ivr.nodes.menu import Language
from ivr.nodes.payment import Payment
from ivr.nodes.say import Play
from ivr.texts import Text
from ivr.yaml_text import Path

_SECRET_NAMES = re.compile(r"(^|_)(pin|clave|password|contrasena|cvv|cvc|tarjeta|card|otp|codigo_secreto)(_|$)")

_PLACES = {
    "queue": "[[queues]]",
    "source": "[[ivr.sources]]",
    "hook": "[[ivr.hooks]]",
    "channel": "[ivr.mail] or [ivr.messages]",
}


@dataclass(frozen=True, slots=True)
class Known:
    """What the settings offer; None: not known here, so not checked. prompts: names of recorded prompts by language.

    channels: ways to send messages ("email"); payments: whether somebody takes cards.
    """

    prompts: dict[str, frozenset[str]] | None = None
    sources: frozenset[str] | None = None
    queues: frozenset[str] | None = None
    hooks: frozenset[str] | None = None
    mailboxes: frozenset[str] | None = None
    channels: frozenset[str] | None = None
    payments: bool | None = None


def check_file(path: FilePath, known: Known | None = None) -> tuple[LoadedFlow | None, tuple[Finding, ...]]:
    """Load and check a file; the flow is None when it cannot even be read."""
    try:
        loaded = load_flow(path)
    except FlowError as error:
        return None, error.findings
    return loaded, check(loaded, known)


def check(loaded: LoadedFlow, known: Known | None = None) -> tuple[Finding, ...]:
    """Everything to mend in a flow, in the order of the file."""
    flow = loaded.flow
    edges = edges_of(flow)
    found = [*_head(flow), *_targets(flow, edges)]
    if not found:
        found += [*_unreachable(flow, edges), *_without_end(flow, edges), *_circles(flow, edges)]
    found += [*_unhandled(flow), *_texts(flow, known or Known()), *_names(flow, known or Known())]
    found += [*value_findings(flow), *leaks(flow), *_not_declared_sensitive(flow)]
    lined = [Finding(each.path, each.message, loaded.text.line_of(each.path), each.warning) for each in found]
    return tuple(sorted(dict.fromkeys(lined), key=lambda finding: finding.line))


def _head(flow: Flow) -> Iterator[Finding]:
    if not is_zone(flow.zone):
        yield Finding(("zone",), f"{flow.zone!r} is no time zone: use a name such as America/Lima")
    if flow.start not in flow.nodes:
        yield Finding(("start",), f"there is no node {flow.start!r}{_guess(flow.start, flow.nodes)}")


def _targets(flow: Flow, edges: list[Edge]) -> Iterator[Finding]:
    for edge in edges:
        if edge.target not in flow.nodes:
            yield Finding(edge.path, f"there is no node {edge.target!r}{_guess(edge.target, flow.nodes)}")


def _guess(word: str, choices: Iterable[str]) -> str:
    close = difflib.get_close_matches(word, list(choices), n=1)
    return f": did you mean {close[0]!r}?" if close else ": write it, or name another"


def _unreachable(flow: Flow, edges: list[Edge]) -> Iterator[Finding]:
    reached = reached_from([flow.start], targets_of(edges))
    for name in flow.nodes:
        if name not in reached:
            yield Finding(("nodes", name), "no branch leads here: name it somewhere, or remove it")


def _without_end(flow: Flow, edges: list[Edge]) -> Iterator[Finding]:
    """Where callers are caught: they never come to an end, whatever they do. Told once, where all such ways lead to."""
    backwards: dict[str, list[str]] = {}
    for edge in edges:
        backwards.setdefault(edge.target, []).append(edge.source)
    ends = [name for name, node in flow.nodes.items() if node.ends()]
    saved = reached_from(ends, backwards)
    targets, told = targets_of(edges), set[str]()
    reach = {name: reached_from([name], targets) for name in flow.nodes if name not in saved}
    for name, reached in reach.items():
        caught = {each for each in reached if name in reach[each]}
        if caught == reached and name not in told:  # from others a way leads here: mended here, they are mended
            told |= caught
            loops = targets.get(name) and not any(flow.nodes[each].waits() for each in caught)
            if not loops:  # a loop in which nothing waits is told as such
                message = "a dead end: no way from here leads to a goodbye, a person or a callback; give a branch one"
                yield Finding(("nodes", name), message)


def _circles(flow: Flow, edges: list[Edge]) -> Iterator[Finding]:
    targets = targets_of(edges)
    for circle in circles({name for name, node in flow.nodes.items() if not node.waits()}, targets):
        way_out = any(target not in circle for name in circle for target in targets.get(name, []))
        first = next(name for name in flow.nodes if name in circle)
        names = ", ".join(name for name in flow.nodes if name in circle)
        if not way_out:
            message = f"an endless loop ({names}): nothing in it waits for the caller and no branch leaves it"
            yield Finding(("nodes", first), message + "; lead one branch out of it")
        elif not any(flow.nodes[name].do in {"branch", "lookup", "hours"} for name in circle):
            message = f"a loop ({names}) in which nothing waits for the caller: put a menu into it"
            yield Finding(("nodes", first), message, warning=True)


def _unhandled(flow: Flow) -> Iterator[Finding]:
    if flow.rescue is not None:
        return
    for name, node in flow.nodes.items():
        bare = [branch for branch in node.failures if node.failure(branch).node is None]
        if bare:
            fields = ", ".join(f"`{branch}:`" for branch in bare)
            message = f"nobody handles {fields}: name a node for it, or give the whole flow a `rescue:` with a queue"
            yield Finding(("nodes", name), message)


def _texts(flow: Flow, known: Known) -> Iterator[Finding]:
    wanted = flow.spoken_languages()
    for name, path, node_text in _all_texts(flow):
        missing = [each for each in wanted if "" not in node_text.by_language and each not in node_text.by_language]
        if missing:
            yield Finding(path, f"says nothing in {', '.join(missing)}: add the text, or take it out of `languages:`")
        if "" in node_text.by_language and len(wanted) > 1 and name is not None:
            message = f"one text for {', '.join(wanted)}: write one for each, {{{wanted[0]}: ..., {wanted[1]}: ...}}"
            yield Finding(path, message)
        for language, prompt in node_text.recordings():
            yield from _recording(path, prompt, [language] if language else list(wanted), known)
    for name, node in flow.nodes.items():
        if isinstance(node, Play):
            yield from _recording(("nodes", name, "recording"), node.recording, list(wanted), known)
        if isinstance(node, Language):
            yield from _languages(name, node, wanted)


def _all_texts(flow: Flow) -> Iterator[tuple[str | None, Path, Text]]:
    for name, node in flow.nodes.items():
        for path, text in parts_of(node, Text):
            yield name, ("nodes", name, *path), text
    if flow.rescue and flow.rescue.text:
        yield "rescue", ("rescue", "text"), flow.rescue.text


def _recording(path: Path, prompt: str, languages: list[str], known: Known) -> Iterator[Finding]:
    if known.prompts is None:
        return
    for language in languages:
        if prompt not in known.prompts.get(language, frozenset()):
            message = f"there is no recorded prompt {prompt!r} in {language!r}: record it, or write the words instead"
            yield Finding(path, message)


def _languages(name: str, node: Language, wanted: tuple[str, ...]) -> Iterator[Finding]:
    chosen = [("set", node.set)] if node.set else []
    for field, language in [*chosen, *((f"keys.{key}", each) for key, each in node.keys.items())]:
        if language not in wanted:
            path: Path = ("nodes", name, *field.split("."))
            yield Finding(path, f"the flow does not speak {language!r}: add it to `languages:` with its texts")


def _names(flow: Flow, known: Known) -> Iterator[Finding]:
    offered = {
        "queue": known.queues,
        "source": known.sources,
        "hook": known.hooks,
        "mailbox": known.mailboxes,
        "channel": known.channels,
    }
    parts: list[tuple[Path, object]] = [(("nodes", name), node) for name, node in flow.nodes.items()]
    for path, part in [*parts, (("rescue",), flow.rescue)]:
        for field, names in offered.items():
            name = getattr(part, field, None)
            if names is not None and isinstance(name, str) and name not in names:
                yield Finding((*path, field), f"the settings know no {field} '{name}'{_mend(field, name, names)}")
        if isinstance(part, Payment) and known.payments is False:
            yield Finding((*path, "do"), "the settings name nobody who takes cards: add [ivr.payment]")


def _mend(field: str, name: str, names: frozenset[str]) -> str:
    if close := difflib.get_close_matches(name, sorted(names), n=1):
        return f": did you mean {close[0]!r}?"
    place = _PLACES.get(field)
    return f": add it under {place}, or name another" if place else ": write it, or name another"


def _not_declared_sensitive(flow: Flow) -> Iterator[Finding]:
    for name, variable in flow.variables.items():
        if _SECRET_NAMES.search(name) and not variable.sensitive:
            message = "by its name this is a secret: add `sensitive: true`, or call it something else"
            yield Finding(("variables", name), message, warning=True)
