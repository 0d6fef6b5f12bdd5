"""A command's module is imported when that command runs: a whole server takes a second to import, a status none."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_command, get_group


@dataclass(frozen=True, slots=True)
class Place:
    """Where a command lives. name: module below server.commands and what it is called there. help: its first line."""

    name: str
    help: str

    def load(self) -> Any:
        """The command itself."""
        module, _, name = self.name.partition(":")
        found = getattr(import_module(f"server.commands.{module}"), name)
        if isinstance(found, typer.Typer):
            return get_group(found)  # not get_command: shells complete `timbre`, not each of its groups
        alone = typer.Typer(add_completion=False)
        alone.command()(found)
        return get_command(alone)


def lazy_app(places: Mapping[str, Place], **settings: Any) -> typer.Typer:
    """A group of commands of which none is imported before it runs."""

    class _Group(TyperGroup):
        def resolve_command(self, ctx: Any, args: list[str]) -> Any:
            name, stand_in, rest = super().resolve_command(ctx, args)
            place = places.get(name or "")
            return name, place.load() if place else stand_in, rest

    app = typer.Typer(cls=_Group, **settings)
    for name, place in places.items():
        app.command(name, help=place.help)(_stand_in)
    return app


def _stand_in() -> None:
    """Never runs: the group puts the command in its place."""
