"""The flows that a node serves: loaded, checked, versioned; a broken file never replaces a good flow.

A folder holds `name.yaml` files, one flow each. Every version that was served is kept in `.versions/NAME/` as
`000001-VERSION.yaml`, so that a roll-back is publishing an older text again. Calls keep the LoadedFlow they began with,
over a restart too. A file that is broken at the start is served in the version that was kept last.
"""

import os
import re
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path as FilePath

from ivr.checker import Known, check
from ivr.flow import Finding, FlowError, LoadedFlow, read_flow

_VERSIONS = ".versions"
_MOST_KEPT = 50
_SUFFIXES = (".yaml", ".yml")
_NAME = re.compile(r"^flow:[ \t]*[\"']?([A-Za-z_]\w*)", re.MULTILINE | re.ASCII)


@dataclass(frozen=True, slots=True)
class Version:
    """A version that was served once. number counts from 1."""

    number: int
    version: str
    file: FilePath


@dataclass(frozen=True, slots=True)
class Reloaded:
    """What a reload did. refused: files that were not taken, each with what to mend; their old flows go on.

    unkept: versions that are served, but could not be written down.
    """

    taken: tuple[str, ...]
    unchanged: tuple[str, ...]
    removed: tuple[str, ...]
    refused: tuple[FlowError, ...]
    unkept: tuple[str, ...] = ()


class FlowLibrary:
    """The flows of a folder. Blocking file work: call it from a worker thread."""

    def __init__(self, folder: FilePath, known: Callable[[], Known] = Known, versions: FilePath | None = None) -> None:
        """Serve `folder` and the folders in it; nothing is loaded before `reload`.

        known: asked at every reload what the settings offer. versions: where versions are kept.
        """
        self._folder = folder
        self._known = known
        self._kept = versions or folder / _VERSIONS
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
        unkept: list[str] = []
        seen: set[str] = set()
        known = self._known()
        for file in self._files():
            try:
                loaded = _sound(_text_of(file), str(file), known)
            except FlowError as error:
                refused.append(error)
                seen.add(self._goes_on(file))
                continue
            name = loaded.flow.flow
            if name in seen:
                refused.append(_twice(loaded))
                continue
            seen.add(name)
            (unchanged if self._is_served(loaded) else taken).append(name)
            try:
                self._serve(loaded)
            except OSError as error:
                unkept.append(f"{file}: is served, but its version cannot be kept: {error}")
        removed = tuple(sorted(set(self._flows) - seen))
        for name in removed:
            del self._flows[name]
        return Reloaded(tuple(taken), tuple(unchanged), removed, tuple(refused), tuple(unkept))

    def publish(self, name: str, text: str) -> LoadedFlow:
        """Check a text, write it to the folder, serve it to new calls. Raises FlowError (nothing changed), OSError."""
        current = self._flows.get(name)
        file = FilePath(current.file) if current else self._folder / f"{name}.yaml"
        loaded = _sound(text, str(file), self._known())
        if loaded.flow.flow != name:
            finding = Finding(
                ("flow",), f"the flow calls itself {loaded.flow.flow!r}, not {name!r}: make both the same"
            )
            raise FlowError(str(file), (finding,))
        _write(file, text)
        self._serve(loaded)
        return loaded

    def at_version(self, name: str, version: str) -> LoadedFlow | None:
        """A flow in a version that was served once: what a call began with. None when it is no longer kept."""
        present = self._flows.get(name)
        if present is not None and present.version == version:
            return present
        for kept in self.versions(name):
            if kept.version == version:
                return _readable(kept.file)
        return None

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

    def _files(self) -> list[FilePath]:
        found = (
            file for file in self._folder.rglob("*") if file.suffix in _SUFFIXES and self._kept not in file.parents
        )
        return sorted(file for file in found if _is_flow(file.relative_to(self._folder)))

    def _serve(self, loaded: LoadedFlow) -> None:
        is_new = not self._is_served(loaded)
        self._flows[loaded.flow.flow] = loaded
        if is_new:
            self._keep(loaded)

    def _is_served(self, loaded: LoadedFlow) -> bool:
        present = self._flows.get(loaded.flow.flow)
        return present is not None and present.version == loaded.version

    def _goes_on(self, file: FilePath) -> str:
        """The flow of a file that is broken: the one it was served with, else the version kept last."""
        for name, loaded in self._flows.items():
            if loaded.file == str(file):
                return name
        name = _name_in(file)
        kept = self.versions(name)
        if name not in self._flows and kept and (loaded_before := _readable(kept[-1].file)) is not None:
            self._flows[name] = replace(loaded_before, file=str(file))
        return name

    def _keep(self, loaded: LoadedFlow) -> None:
        known = self.versions(loaded.flow.flow)
        if known and known[-1].version == loaded.version:
            return
        folder = self._kept / loaded.flow.flow
        folder.mkdir(parents=True, exist_ok=True)
        number = known[-1].number + 1 if known else 1
        _write(folder / f"{number:06d}-{loaded.version}.yaml", loaded.source)
        for old in known[: max(0, len(known) + 1 - _MOST_KEPT)]:
            old.file.unlink(missing_ok=True)

    def _versions(self, name: str) -> Iterator[Version]:
        for file in sorted((self._kept / name).glob("*.yaml")):
            number, _, version = file.stem.partition("-")
            if number.isdigit() and version:
                yield Version(int(number), version, file)


def _is_flow(inside: FilePath) -> bool:
    return not any(part.startswith(".") for part in inside.parts) and ".test" not in inside.suffixes


def _sound(text: str, file: str, known: Known) -> LoadedFlow:
    loaded = read_flow(text, file)
    errors = tuple(each for each in check(loaded, known) if not each.warning)
    if errors:
        raise FlowError(file, errors)
    return loaded


def _readable(file: FilePath) -> LoadedFlow | None:
    """A kept version. It was sound when it was kept: what the settings offer now is not asked."""
    try:
        return read_flow(_text_of(file), str(file))
    except FlowError:  # a release of Timbre that no longer reads it
        return None


def _name_in(file: FilePath) -> str:
    try:
        found = _NAME.search(_text_of(file))
    except FlowError:
        found = None
    return found[1] if found else file.name.partition(".")[0]


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
