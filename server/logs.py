"""Structured logs. Phone numbers are masked wherever they stand; secrets and digits have no business here at all."""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any, TextIO

import structlog

from campaigns.phone import mask
from server.settings import LogSettings

# Any run of 7 or more digits, with or without +, and a grouped one with +: a number somebody may be called on. Not
# taken for one: ids (letters and digits mixed), and digits that a point or hyphen ties to others (1763797000.12).
_NUMBER = re.compile(r"(?<!\w)(?<!\w[.-])\+?\d{7,15}(?!\w|[.:-]\w)|(?<!\w)\+\d{1,3}(?:[ ()./-]{1,2}\d{1,4}){2,6}(?!\w)")
_CLEAR = frozenset({"timestamp", "level", "event_id", "pid", "port", "duration_s", "at_s"})


def mask_numbers(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Structlog processor: mask every phone number in every value."""
    for key, value in event.items():
        if isinstance(value, str) and key not in _CLEAR:
            event[key] = masked(value)
    return event


def masked(text: str) -> str:
    """A text with every phone number in it masked."""
    return _NUMBER.sub(lambda found: mask(found.group()), text)


def configure(settings: LogSettings, stream: TextIO | None = None) -> None:
    """Set the logs up, for the whole process."""
    for chatty in ("httpx", "httpcore", "aiohttp.access"):  # they would tell addresses with what was asked
        logging.getLogger(chatty).setLevel(logging.WARNING)
    out = stream or sys.stderr
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if settings.format == "json"
        else structlog.dev.ConsoleRenderer(colors=out.isatty())
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            mask_numbers,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[settings.level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(out),
        cache_logger_on_first_use=False,
    )


def logger(name: str) -> Any:
    """A logger that carries where it speaks from."""
    return structlog.get_logger().bind(where=name)
