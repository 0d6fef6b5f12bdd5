"""What flows need and the settings lack, told before the server starts."""

from collections.abc import Iterator
from pathlib import Path

from ivr.checker import Known
from ivr.library import FlowLibrary
from media.prompts import PromptLibrary
from server.clock import SystemClock
from server.flow_ports import flow_ports
from server.inbound import check_lines
from server.settings import Settings


def known_to(settings: Settings, scratch: Path) -> Known:
    """What the settings offer to flows. scratch: an empty folder. Raises SettingsError."""
    ports = flow_ports(settings.ivr, SystemClock())
    prompts = PromptLibrary([settings.var_dir / "sounds", *map(Path, settings.media.prompts)], scratch / "prompts")
    return ports.known(settings, prompts.names())


def flow_problems(settings: Settings, scratch: Path) -> Iterator[str]:
    """Everything to mend, one message each, with file and line. scratch: an empty folder. Raises SettingsError."""
    check_lines(settings)
    offered = known_to(settings, scratch)
    library = FlowLibrary(settings.ivr.flows, lambda: offered, scratch / "versions")
    for error in library.reload().refused:
        yield from str(error).splitlines()
    served = library.names()
    for line in settings.lines:
        if line.flow and line.flow not in served:
            known = ", ".join(served) or "no flow"
            yield f"lines, {line.number}: there is no flow {line.flow!r} in {settings.ivr.flows}: it has {known}"
