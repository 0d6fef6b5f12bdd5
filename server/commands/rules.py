"""`timbre rules`: what the law packs say, numbers that must not be called, what people allowed or withdrew."""

import getpass
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from server.commands.console import ConfigOption, ask, console, fail, settings_of, table_of

if TYPE_CHECKING:
    from campaigns.rule_pack import AnyRule

app = typer.Typer(
    help="Calling rules: what the law packs say; do-not-call numbers, consents.",
    no_args_is_help=True,
    add_completion=False,
)
FileArgument = Annotated[Path, typer.Argument(help="A text file, one phone number a line; - reads from the pipe.")]
RegionOption = Annotated[str, typer.Option(help="Country of numbers without a prefix (ISO 3166 alpha-2).")]
_A_REQUEST = 5000


@app.command()
def show(
    country: Annotated[str, typer.Argument(help="ISO 3166 alpha-2, such as ES; nothing: every country.")] = "",
) -> None:
    """What the law packs say of calling numbers of a country: each rule with its source, date and confidence."""
    from campaigns.rule_pack import shipped_packs

    packs = shipped_packs()
    wanted = country.upper()
    if wanted and wanted not in packs:
        fail(f"there is no pack for {wanted}: only the campaign's own rules hold there; known are {', '.join(packs)}")
    for pack in [packs[wanted]] if wanted else packs.values():
        console.print(f"{pack.title} ({pack.country})", style="bold")
        console.print(_table(pack.rules))
    console.print("Not legal advice: check them with a lawyer before you call.", style="yellow")


def _table(rules: "tuple[AnyRule, ...]") -> Table:
    table = Table(
        "purposes", "rule", "source", "known", box=None, pad_edge=False, header_style="bold", padding=(0, 2, 1, 0)
    )
    for rule in rules:
        every = len(rule.purposes) == 4
        known = f"{rule.as_of}, {rule.confidence.value}"
        table.add_row("all" if every else ", ".join(rule.purposes), rule.words, rule.source, known)
    return table


@app.command()
def dnc(
    file: FileArgument,
    source: Annotated[str, typer.Option(help="Where the numbers come from.")] = "command line",
    region: RegionOption = "ES",
    config: ConfigOption = None,
) -> None:
    """Numbers that must never be called: their leads leave every list. One that cannot be read refuses its batch."""
    settings = settings_of(config)
    added = sum(
        ask(settings, "POST", "/dnc", json=batch, params={"source": source, "region": region})["added"]
        for batch in _batches(file)
    )
    console.print(f"{added} new numbers on the do-not-call list", highlight=False)


@app.command("dnc-remove")
def dnc_remove(
    file: FileArgument,
    because: Annotated[str, typer.Option(help="Why; needed for people who had asked not to be called.")] = "",
    by: Annotated[str, typer.Option(help="Who takes them off, for the audit log.", show_default="your account")] = "",
    leads_back: Annotated[bool, typer.Option("--leads-back", help="Their leads are callable again too.")] = False,
    region: RegionOption = "ES",
    config: ConfigOption = None,
) -> None:
    """Take numbers off the do-not-call list; who, when and why is kept. People who asked stay, without a reason."""
    settings, removed, unknown, leads = settings_of(config), 0, 0, 0
    said = {"by": by or getpass.getuser(), "because": because, "leads_back": leads_back, "region": region}
    for batch in _batches(file):
        done = ask(settings, "POST", "/dnc/removals", json=said | {"phones": batch})
        removed, unknown, leads = removed + done["removed"], unknown + done["not_listed"], leads + done["leads"]
    back = f"{leads} leads are in their lists again" if leads_back else "their leads stay out (--leads-back)"
    console.print(f"{removed} numbers off the do-not-call list, {unknown} were not on it; {back}", highlight=False)


@app.command("dnc-removed")
def dnc_removed(config: ConfigOption = None) -> None:
    """Who took which number off the do-not-call list, when and why, the oldest first."""
    settings, rows, page = settings_of(config), [], [{"removal_id": ""}]
    while page:
        page = ask(settings, "GET", "/dnc/removals", params={"limit": 1000, "after": page[-1]["removal_id"]})
        rows += page
    for row in rows:
        row["at"] = datetime.fromtimestamp(row["at_s"]).astimezone().isoformat(" ", "seconds")
        row["had put it there"] = row["source"]
    console.print(table_of(rows, "at", "by", "phone", "because", "had put it there"))


@app.command()
def consent(
    file: FileArgument,
    purpose: Annotated[str, typer.Option(help="marketing, collection, research or service.")],
    source: Annotated[str, typer.Option(help="Where the proof is, such as a form's number.")],
    withdrawn: Annotated[bool, typer.Option("--withdrawn", help="They do not allow it any more.")] = False,
    region: RegionOption = "ES",
    config: ConfigOption = None,
) -> None:
    """Record that people allowed to be called for a purpose, or withdrew it. The latest word counts."""
    settings, recorded = settings_of(config), 0
    for batch in _batches(file):
        said = {"phones": batch, "purpose": purpose, "given": not withdrawn, "source": source, "region": region}
        recorded += ask(settings, "POST", "/consents", json=said)["recorded"]
    console.print(f"{recorded} {'withdrawals' if withdrawn else 'consents'} recorded", highlight=False)


def _batches(file: Path) -> Iterator[list[str]]:
    """The file's numbers, as many as one request takes; says where it is, so that "number 3" can be found."""
    try:
        text = typer.get_text_stream("stdin").read() if str(file) == "-" else file.read_text("utf-8-sig")
    except OSError as error:
        fail(f"{file} cannot be read: {error.strerror}")
    except UnicodeDecodeError:
        fail(f"{file} cannot be read: it is no text in UTF-8; one number a line is all that it needs")
    if not (numbers := [line.strip() for line in text.splitlines() if line.strip()]):
        fail(f"{file} has no numbers: write one a line")
    for first in range(0, len(numbers), _A_REQUEST):
        batch = numbers[first : first + _A_REQUEST]
        if len(numbers) > _A_REQUEST:
            console.print(f"numbers {first + 1} to {first + len(batch)}", highlight=False)
        yield batch
