"""Where a key stands in a TOML text. `tomllib` gives values without lines; messages need the line.

The text must be valid TOML (tomllib has read it before); then a small scan is enough: strings are skipped, brackets
are counted, and a key is what stands before "=" at depth 0 on a line.
"""

import re

Path = tuple[str | int, ...]

_TOKEN = re.compile(
    r'"""(?:\\.|[^\\])*?"""+|\'\'\'.*?\'\'\'+|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'|#[^\n]*|\n|[\[\]{}=]|[^"\'#\n\[\]{}=]+',
    re.DOTALL,
)
_KEY_PART = re.compile(r'\s*(?:"((?:\\.|[^"\\])*)"|\'([^\']*)\'|([A-Za-z0-9_-]+))\s*(?:\.|$)')
_HEADER = re.compile(r"\s*(\[\[?)(.*?)\]\]?\s*(?:#.*)?", re.DOTALL)


def lines_of_keys(text: str) -> dict[Path, int]:
    """Map the path of each table and key (an array of tables counts from 0) to its line, counted from 1."""
    lines: dict[Path, int] = {}
    table: Path = ()
    counts: dict[Path, int] = {}
    for line, statement in _statements(text):
        header = _HEADER.fullmatch(statement)
        if header:
            table = _table_path(_key_parts(header[2]), header[1] == "[[", counts)
            lines.setdefault(table, line)
            lines.setdefault(table[:-1] if isinstance(table[-1], int) else table, line)
        elif "=" in statement:
            lines.setdefault(table + _key_parts(_left_of_equals(statement)), line)
    return lines


def line_of(lines: dict[Path, int], path: Path) -> int:
    """The line of a path, or of the nearest thing around it that stands in the text; 1 when nothing does."""
    for length in range(len(path), 0, -1):
        if path[:length] in lines:
            return lines[path[:length]]
    return 1


def _statements(text: str) -> list[tuple[int, str]]:
    """Logical lines (a multi-line array or string is one), each with the number of its first line."""
    found: list[tuple[int, str]] = []
    parts: list[str] = []
    line = first = 1
    depth = 0
    for match in _TOKEN.finditer(text + "\n"):
        token = match[0]
        depth += (token in "[{") - (token in "]}")
        if token == "\n" and depth <= 0:
            found.append((first, "".join(parts).strip()))
            parts, first, depth = [], line + 1, 0
        elif not token.startswith("#"):
            parts.append(token)
        line += token.count("\n")
    return [(number, statement) for number, statement in found if statement]


def _table_path(parts: Path, is_array: bool, counts: dict[Path, int]) -> Path:
    path: Path = ()
    for part in parts[:-1]:
        path += (part,)
        if path in counts:
            path += (counts[path],)
    path += (parts[-1],)
    if not is_array:
        return path
    counts[path] = counts.get(path, -1) + 1
    return (*path, counts[path])


def _key_parts(text: str) -> Path:
    return tuple(basic or literal or bare for basic, literal, bare in _KEY_PART.findall(text.strip()))


def _left_of_equals(statement: str) -> str:
    key = re.match(r'(?:"(?:\\.|[^"\\])*"|\'[^\']*\'|[^="\'])*', statement)
    return key[0] if key else ""
