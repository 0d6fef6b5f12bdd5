"""The flows that a node serves: loaded, checked, versioned; a broken file never replaces a good flow.

A folder holds `name.yaml` files, one flow each. Every version that was served is kept in `.versions/NAME/` as
`000001-VERSION.yaml`, so that a roll-back is publishing an older text again. Calls keep the LoadedFlow they began with.
"""

import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path as FilePath

from ivr.checker import Known, check
from ivr.flow import Finding, FlowError, LoadedFlow, read_flow

_VERSIONS = ".versions"
_MOST_KEPT = 50


@dataclass(frozen=True, slots=True)
class Version:
    """A version that was served once. number counts from 1."""

    number: int
    version: str
    file: FilePath


@dataclass(frozen=True, slots=True)
class Reloaded:
    """What a reload did. refused: files that were not taken, each with what to mend; their old flows go on."""

    taken: tuple[str, ...]
    unchanged: tuple[str, ...]
    removed: tuple[str, ...]
    refused: tuple[FlowError, ...]


class FlowLibrary:
    """The flows of a folder. Blocking file work: call it from a worker thread."""

    def __init__(self, folder: FilePath, known: Known | None = None) -> None:
        """Serve `folder`; nothing is loaded before `reload`."""
        self._folder = folder
        self._known = known or Known()
        self._flows: dict[str, LoadedFlow] = {}

    def get(self, name: str) -> LoadedFlow | None:
        """The flow that new calls get."""
        return self._flows.get(name)

    def names(self) -> list[str]:
        """The flows that are served."""
        return sorted(self._flows)

    def reload(self) -> Reloaded:
        """Take what changed in the folder; what is broken is refused and its old version served on."""
        taken: list[str] = []
        unchanged: list[str] = []
        refused: list[FlowError] = []
        seen: set[str] = set()
        for file in sorted(self._folder.glob("*.yaml")):
            if file.name.endswith(".test.yaml"):
                continue
            try:
                loaded = self._sound(_text_of(file), str(file))
            except FlowError as error:
                refused.append(error)
                seen.add(self._served_from(str(file)))
                continue
            name = loaded.flow.flow
            if name in seen:
                refused.append(_twice(loaded))
                continue
            seen.add(name)
            (unchanged if self._is_served(loaded) else taken).append(name)
            self._serve(loaded)
        removed = tuple(sorted(set(self._flows) - seen))
        for name in removed:
            del self._flows[name]
        return Reloaded(tuple(taken), tuple(unchanged), removed, tuple(refused))

    def publish(self, name: str, text: str) -> LoadedFlow:
        """Check a text, write it to the folder and serve it to new calls. Raises FlowError and changes nothing."""
        current = self._flows.get(name)
        file = FilePath(current.file) if current else self._folder / f"{name}.yaml"
        loaded = self._sound(text, str(file))
        if loaded.flow.flow != name:
            finding = Finding(
                ("flow",), f"the flow calls itself {loaded.flow.flow!r}, not {name!r}: make both the same"
            )
            raise FlowError(str(file), (finding,))
        _write(file, text)
        self._serve(loaded)
        return loaded

    def versions(self, name: str) -> list[Version]:
        """Versions that were served, the oldest first; the last one is served now."""
        return list(self._versions(name))

    def roll_back(self, name: str, version: str = "") -> LoadedFlow:
        """Serve an older version again: `version`, or the one before the present. Raises FlowError, KeyError."""
        known = self.versions(name)
        present = self._flows[name].version if name in self._flows else ""
        older = [each for each in known if (each.version == version if version else each.version != present)]
        if not older:
            raise KeyError(f"flow {name!r} has no {'version ' + version if version else 'older version'}")
        return self.publish(name, older[-1].file.read_text(encoding="utf-8"))

    def _sound(self, text: str, file: str) -> LoadedFlow:
        loaded = read_flow(text, file)
        errors = tuple(each for each in check(loaded, self._known) if not each.warning)
        if errors:
            raise FlowError(file, errors)
        return loaded

    def _serve(self, loaded: LoadedFlow) -> None:
        if not self._is_served(loaded):
            self._keep(loaded)
        self._flows[loaded.flow.flow] = loaded

    def _is_served(self, loaded: LoadedFlow) -> bool:
        present = self._flows.get(loaded.flow.flow)
        return present is not None and present.version == loaded.version

    def _served_from(self, file: str) -> str:
        return next((name for name, loaded in self._flows.items() if loaded.file == file), "")

    def _keep(self, loaded: LoadedFlow) -> None:
        known = self.versions(loaded.flow.flow)
        if known and known[-1].version == loaded.version:
            return
        folder = self._folder / _VERSIONS / loaded.flow.flow
        folder.mkdir(parents=True, exist_ok=True)
        number = known[-1].number + 1 if known else 1
        _write(folder / f"{number:06d}-{loaded.version}.yaml", loaded.source)
        for old in known[: max(0, len(known) + 1 - _MOST_KEPT)]:
            old.file.unlink(missing_ok=True)

    def _versions(self, name: str) -> Iterator[Version]:
        for file in sorted((self._folder / _VERSIONS / name).glob("*.yaml")):
            number, _, version = file.stem.partition("-")
            if number.isdigit() and version:
                yield Version(int(number), version, file)


def _text_of(file: FilePath) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise FlowError(str(file), (Finding((), f"cannot be read: {error}"),)) from None


def _twice(loaded: LoadedFlow) -> FlowError:
    line = loaded.text.line_of(("flow",))
    message = f"another file has a flow {loaded.flow.flow!r} too: give one of them another name"
    return FlowError(loaded.file, (Finding(("flow",), message, line),))


def _write(file: FilePath, text: str) -> None:
    """Replace a file whole, or not at all."""
    handle, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.stem}-", suffix=".part")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        os.chmod(temporary, 0o640)
        os.replace(temporary, file)
    except BaseException:
        FilePath(temporary).unlink(missing_ok=True)
        raise
