"""The `cdp-dev` command, for those who work on cdp-scaffold itself.

Each sub-command is a function here that hands its arguments to a module of its own, imported
when it is called.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from cdp_scaffold.errors import StoppedError
from cdp_scaffold.running import run

EXITS = "Exit codes: 0 done, 1 failed, 2 the input is wrong."

app = typer.Typer(
    name="cdp-dev",
    help="Work on cdp-scaffold itself: write patterns, and prove that they fit.",
    epilog=EXITS,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # as in `cdp`
)

Checkout = Annotated[
    Path, typer.Option("--directory", "-C", help="The checkout, or a folder in it.")
]


@app.callback()
def _options() -> None:
    """Keep sub-commands, even where there is one alone."""


@app.command("new-pattern", epilog=EXITS)
def new_pattern(
    ids: Annotated[list[str], typer.Argument(metavar="ID", hidden=True)],
    title: Annotated[str | None, typer.Option(help="Of a new entry: its title.")] = None,
    family: Annotated[str | None, typer.Option(help="Of a new pattern: its family.")] = None,
    summary: Annotated[
        str | None, typer.Option(help="Of a new entry: the problem; the answer, in one sentence.")
    ] = None,
    source: Annotated[
        str | None, typer.Option(help="Of a new pattern: its section in the book.")
    ] = None,
    needs: Annotated[
        list[str] | None,
        typer.Option(metavar="ID=WHY", help="Of a new entry: what it needs; repeat it."),
    ] = None,
    slots: Annotated[
        list[str] | None,
        typer.Option(metavar="SLOT=WHY", help="Of a new entry: a job it asks for; repeat it."),
    ] = None,
    needed_by: Annotated[
        list[str] | None,
        typer.Option(metavar="ID=WHY", help="Of a new component: who needs it; repeat it."),
    ] = None,
    component: Annotated[
        bool, typer.Option("--component", help="The new entry is a component, not a pattern.")
    ] = False,
    planned: Annotated[
        bool, typer.Option("--planned", help="Leave the entry planned: nobody is offered it yet.")
    ] = False,
    directory: Checkout = Path(),
) -> None:
    """Write the folder of a pattern or component, ready to render.

    ID is an entry of the catalogue that is still planned, by id or title; several that need each
    other go into one call. One that is not in the catalogue gets an entry as well, of the options
    below; on a terminal what is missing is asked for. Nothing that is there is overwritten.
    """
    from cdp_scaffold.dev import writing
    from cdp_scaffold.dev.new_entry import Wording

    wording = Wording(
        title=title,
        family=family,
        summary=summary,
        source=source,
        needs=tuple(needs or ()),
        slots=tuple(slots or ()),
        needed_by=tuple(needed_by or ()),
        component=component,
    )
    try:
        told = writing.new(
            directory, ids, wording, planned=planned, ask=_ask if _on_terminal() else None
        )
    except (KeyboardInterrupt, EOFError, typer.Abort):
        raise StoppedError("nothing was written") from None
    typer.echo(told, nl=False)


@app.command("planned", epilog=EXITS)
def planned(directory: Checkout = Path()) -> None:
    """List what can be written today, and what has to wait."""
    from cdp_scaffold.dev import writing

    typer.echo(writing.planned(directory), nl=False)


def _on_terminal() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


def _ask(question: str, default: str) -> str:
    return str(typer.prompt(question, default=default, show_default=bool(default), err=True))


def main() -> None:
    """Run `cdp-dev`; every error we know ends as one message and an exit code."""
    run(lambda: app(prog_name="cdp-dev"), lambda error: typer.echo(error.render(), err=True))
