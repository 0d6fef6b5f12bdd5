"""Data sources that flows ask by name: HTTP, SQL, Python plugins. Declared in the settings, never in a flow."""

from typing import TYPE_CHECKING, Any

from ivr.sources.settings import HttpSource, PluginSource, Source, SqlSource

if TYPE_CHECKING:
    from ivr.sources.registry import Sources

__all__ = ["HttpSource", "PluginSource", "Source", "Sources", "SqlSource"]


def __getattr__(name: str) -> Any:
    # Every command reads the settings, and with them the declarations; only a server needs what asks (SQLAlchemy).
    if name == "Sources":
        from ivr.sources.registry import Sources

        return Sources
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
