"""Command groups of `timbre`: one file each, a typer application named `app`."""
