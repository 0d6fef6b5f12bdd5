"""Data sources that flows ask by name: HTTP, SQL, Python plugins. Declared in the settings, never in a flow."""

from ivr.sources.registry import Sources
from ivr.sources.settings import HttpSource, PluginSource, Source, SqlSource

__all__ = ["HttpSource", "PluginSource", "Source", "Sources", "SqlSource"]
