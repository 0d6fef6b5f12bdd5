"""YAML text to plain values with the line of each, refusing everything that makes YAML dangerous or surprising.

Only scalars, lists and mappings; no tags, no merge keys, few aliases, bounded size, depth and number of values (an
alias counts as all that it repeats). `yes`, `no`, `on`, `off` are texts and 08:00 is no number, as in YAML 1.2; keys
are texts.
"""

import re
from dataclasses import dataclass, field
from typing import Any

import yaml

Path = tuple[str | int, ...]

LARGEST_BYTES = 256 * 1024
DEEPEST = 24
MOST_VALUES = 20_000
MOST_ALIASES = 50
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})\.[0-9]{1,9}")
_WORDS = {"true": True, "false": False, "null": None, "~": None, "": None}
_TAGS = {"tag:yaml.org,2002:str", "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"}
_SCALAR_TAGS = {f"tag:yaml.org,2002:{kind}" for kind in ("str", "int", "float", "bool", "null", "timestamp", "value")}


@dataclass(frozen=True, slots=True)
class YamlText:
    """What the text says. lines: path of each value -> its line, counted from 1."""

    value: Any
    lines: dict[Path, int]

    def line_of(self, path: Path) -> int:
        """The line of a path, or of the nearest thing around it that stands in the text; 1 when nothing does."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.lines:
                return self.lines[path[:length]]
        return 1


class YamlRefused(ValueError):
    """The text is no YAML that Timbre reads. `line` counts from 1; the message says how to mend it."""

    def __init__(self, line: int, message: str) -> None:
        """Keep where it is."""
        super().__init__(message)
        self.line = line


def read_yaml(text: str) -> YamlText:
    """Read one document. Raises YamlRefused."""
    if len(text.encode(errors="replace")) > LARGEST_BYTES:
        raise YamlRefused(1, f"larger than {LARGEST_BYTES // 1024} KiB: split it into several flows")
    try:
        _look_before(text)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise YamlRefused(mark.line + 1 if mark else 1, f"not YAML: {error.problem or error.context}") from None
    except yaml.reader.ReaderError as error:
        line = text[: error.position].count("\n") + 1
        raise YamlRefused(line, f"not YAML: the character U+{ord(_character(error)):04X} may not stand here") from None
    if node is None:
        raise YamlRefused(1, "the file is empty: write `flow:`, `start:` and `nodes:`")
    builder = _Builder()
    return YamlText(builder.build(node, ()), builder.lines)


def _character(error: yaml.reader.ReaderError) -> str:
    return error.character if isinstance(error.character, str) else chr(error.character)


def _look_before(text: str) -> None:
    """Refuse depth and aliases on the flat event stream, before anything recursive sees the text."""
    depth = aliases = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > DEEPEST:
                raise YamlRefused(line, f"nested deeper than {DEEPEST} levels: a flow needs no more than ten")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        elif isinstance(event, yaml.AliasEvent):
            aliases += 1
            if aliases > MOST_ALIASES:
                raise YamlRefused(line, f"more than {MOST_ALIASES} aliases (*name): write the values out")


@dataclass
class _Builder:
    """Makes values of nodes; counts every value again for each alias, so that a bomb is refused while it unfolds."""

    lines: dict[Path, int] = field(default_factory=dict)
    count: int = 0

    def build(self, node: yaml.Node, path: Path) -> Any:
        line = node.start_mark.line + 1
        self.lines.setdefault(path, line)
        self.count += 1
        if self.count > MOST_VALUES:
            raise YamlRefused(line, f"more than {MOST_VALUES} values once aliases are written out: make it smaller")
        if len(path) > DEEPEST:
            raise YamlRefused(line, f"nested deeper than {DEEPEST} levels: does an alias (*name) hold itself?")
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            self._no_tag(node)
            return [self.build(each, (*path, index)) for index, each in enumerate(node.value)]
        return _scalar(node)

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        self._no_tag(node)
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                raise YamlRefused(line, "a key is a list or a mapping: keys are words, such as `text:`")
            key = str(key_node.value)
            if key == "<<":
                raise YamlRefused(line, "merge keys (<<) are not read: write the values out")
            if key in found:
                raise YamlRefused(line, f"{key!r} stands here twice: remove one")
            self.lines.setdefault((*path, key), line)
            found[key] = self.build(value_node, (*path, key))
        return found

    def _no_tag(self, node: yaml.Node) -> None:
        if node.tag not in _TAGS:
            raise YamlRefused(node.start_mark.line + 1, f"the tag {node.tag} is not read: remove it")


def _scalar(node: yaml.Node) -> Any:
    text = str(node.value)
    if node.tag not in _SCALAR_TAGS:
        raise YamlRefused(node.start_mark.line + 1, f"the tag {node.tag} is not read: remove it")
    if getattr(node, "style", None) is not None:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _NUMBER.fullmatch(text) else text
