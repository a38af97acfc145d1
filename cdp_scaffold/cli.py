"""The `cdp` command: arguments in, one call, exit code out.

Exit codes: 0 done · 1 failed, or conflicts are left · 2 the wish cannot be, or the input is wrong.

`cdp --help` and `cdp list` must answer at once, so whatever they do not need is imported by the
command that does.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cdp_scaffold import __version__
from cdp_scaffold.errors import ScaffoldError, StoppedError, UnknownPatternError
from cdp_scaffold.running import run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from cdp_scaffold.catalog import Catalog

EXITS = (
    "Exit codes: 0 done, 1 failed or conflicts are left, "
    "2 the wish cannot be or the input is wrong."
)

app = typer.Typer(
    name="cdp",
    help="Turn a wish for AWS Cloud Design Patterns into a complete, updatable repository.",
    epilog=EXITS,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # rich takes longer to import than all of `cdp --help` may take
)


def _complete(incomplete: str) -> list[tuple[str, str]]:
    """What a shell offers for a pattern: its id, with its title beside it."""
    try:
        catalog = _catalog(None, None)
    except ScaffoldError:
        return []
    entries = (catalog.entries[id] for id in catalog.patterns)
    return [(each.id, each.title) for each in entries if each.id.startswith(incomplete)]


def _complete_name(incomplete: str) -> list[tuple[str, str]]:
    """What a shell offers for any name: of patterns, components and slots."""
    try:
        catalog = _catalog(None, None)
    except ScaffoldError:
        return []
    titles = {each.id: each.title for each in catalog.entries.values()}
    titles.update({each.id: each.title for each in catalog.slots.values()})
    return [(id, title) for id, title in titles.items() if id.startswith(incomplete)]


def _plain(name: str) -> str:
    """A name as ids are spelled."""
    return name.strip().lower().replace("-", "_").replace(" ", "_")


def _complete_setting(incomplete: str) -> list[str]:
    """What a shell offers for `--set`: slots, and after the sign their options."""
    try:
        catalog = _catalog(None, None)
    except ScaffoldError:
        return []
    pairs = [f"{s.id}={option}" for s in catalog.slots.values() for option in s.options]
    keys = ["project=", "region=", *(f"{slot}=" for slot in catalog.slots)]
    return [each for each in (pairs if "=" in incomplete else keys) if each.startswith(incomplete)]


Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
TemplateOption = Annotated[
    str | None,
    typer.Option(
        "--template",
        metavar="SOURCE",
        help="Another template: a folder, a git bundle or an address.",
    ),
]
RefOption = Annotated[
    str | None,
    typer.Option("--ref", metavar="REF", help="A version of the template: a tag or a commit."),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Answer a question, such as project, region or session_store; repeat it.",
        autocompletion=_complete_setting,
    ),
]
# Hidden: typer would explain it as `<list[str]>`, and the usage line names it anyway.
Wish = Annotated[
    list[str], typer.Argument(metavar="PATTERN", autocompletion=_complete, hidden=True)
]
Folder = Annotated[
    Path, typer.Option("--directory", "-C", help="The generated repository.", file_okay=False)
]
Yes = Annotated[
    bool, typer.Option("--yes", "-y", help="Go on where files that you edited would be lost.")
]


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"cdp {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Hold the options of `cdp` itself; the help text stands above."""


@app.command(epilog=EXITS)
def new(
    dest: Annotated[Path, typer.Argument(metavar="DEST", help="A folder that is not there yet.")],
    patterns: Annotated[
        list[str] | None,
        typer.Argument(metavar="PATTERN", autocompletion=_complete, hidden=True),
    ] = None,
    pattern: Annotated[
        list[str] | None,
        typer.Option(
            "--pattern",
            "-p",
            metavar="PATTERN",
            help="A pattern, by id or title; repeat it, or name patterns after DEST.",
            autocompletion=_complete,
        ),
    ] = None,
    set_: SetOption = None,
    answers: Annotated[
        Path | None,
        typer.Option(
            "--answers",
            metavar="FILE",
            help="Answers as YAML, such as the .copier-answers.yml of another repository.",
        ),
    ] = None,
    no_input: Annotated[
        bool, typer.Option("--no-input", help="Never ask; what is not given keeps its default.")
    ] = False,
    template: TemplateOption = None,
    ref: RefOption = None,
) -> None:
    """Generate a repository from patterns.

    Without a pattern, on a terminal, an interview asks for all that is not given.
    """
    try:
        _new(
            dest,
            [*(pattern or ()), *(patterns or ())],
            set_ or (),
            answers,
            no_input,
            template,
            ref,
        )
    except (KeyboardInterrupt, EOFError):
        raise StoppedError("nothing was written") from None


@app.command(epilog=EXITS)
def update(
    set_: SetOption = None,
    ref: RefOption = None,
    yes: Yes = False,
    directory: Folder = Path(),
) -> None:
    """Bring the repository to a newer template.

    It goes to the newest version, or to the one that --ref names. Nothing is committed.
    """
    _change(directory, ref, set_ or (), yes=yes)


@app.command(epilog=EXITS)
def add(
    patterns: Wish,
    instead_of: Annotated[
        list[str] | None,
        typer.Option(
            "--instead-of",
            metavar="PATTERN",
            help="Remove this one.",
            autocompletion=_complete,
        ),
    ] = None,
    set_: SetOption = None,
    yes: Yes = False,
    directory: Folder = Path(),
) -> None:
    """Add patterns to the repository.

    PATTERN is an id or a title. The version of the template stays, and nothing is committed.
    """
    _change(directory, None, set_ or (), yes=yes, add=patterns, remove=instead_of or ())


@app.command(epilog=EXITS)
def remove(
    patterns: Wish,
    set_: SetOption = None,
    yes: Yes = False,
    directory: Folder = Path(),
) -> None:
    """Remove patterns from the repository.

    PATTERN is an id or a title. The version of the template stays, and nothing is committed.
    """
    _change(directory, None, set_ or (), yes=yes, remove=patterns)


@app.command("list", epilog=EXITS)
def list_(json: Json = False, template: TemplateOption = None, ref: RefOption = None) -> None:
    """List all patterns.

    By family, each with what it is for. With --json: a list of objects with `id`, `title`,
    `family`, `status` (ready or planned) and `summary`.
    """
    from cdp_scaffold import report

    catalog = _catalog(template, ref)
    _tell(report.listing_json(catalog) if json else report.listing(catalog))


@app.command(epilog=EXITS)
def show(
    name: Annotated[
        str, typer.Argument(metavar="NAME", autocompletion=_complete_name, hidden=True)
    ],
    json: Json = False,
    template: TemplateOption = None,
    ref: RefOption = None,
) -> None:
    """Show one pattern, component or slot.

    NAME is an id or a title. Told is what it is for, what it needs, who needs it, what it
    excludes, and which others can do its job.
    """
    from cdp_scaffold import report

    catalog = _catalog(template, ref)
    slot = _plain(name) if _plain(name) in catalog.slots else None
    if slot is None:
        try:
            id = catalog.find(name)
        except UnknownPatternError as error:
            slot = catalog.find_slot(name)  # what a pattern is called, no slot's title takes away
            if slot is None:
                from cdp_scaffold.answers import near

                close = (*near(_plain(name), catalog.slots), *error.close)[:3]
                raise UnknownPatternError(name, close) from None
    if slot is not None:
        _tell(report.slot_json(catalog, slot) if json else report.slot(catalog, slot))
        return
    _tell(report.entry_json(catalog, id) if json else report.entry(catalog, id))


@app.command(epilog=EXITS)
def resolve(
    patterns: Wish,
    set_: SetOption = None,
    json: Json = False,
    advice: Annotated[bool, typer.Option(help="Say what would suit the wish.")] = True,
    tree: Annotated[bool, typer.Option("--tree", help="Show the files it would give.")] = False,
    template: TemplateOption = None,
    ref: RefOption = None,
) -> None:
    """Tell what patterns bring in, or why they cannot be.

    PATTERN is an id or a title. Told is who brought in whom and why; for patterns that cannot be
    in one system (exit code 2) the reason and the ways out. With --tree, which files a repository
    would hold and to whom each belongs; with --json too, a list of objects with `path`, `member`
    and `why`. Nothing is written.
    """
    from cdp_scaffold import report
    from cdp_scaffold.answers import choices_only, find_patterns
    from cdp_scaffold.catalog import load_catalog
    from cdp_scaffold.errors import ConflictError
    from cdp_scaffold.explain import conflict_sheet
    from cdp_scaffold.resolver import Conflict
    from cdp_scaffold.resolver import resolve as resolve_wish

    with _root(template, ref) as root:
        catalog = load_catalog(root / "blueprints" / "catalog.yml")
        wish = find_patterns(catalog, patterns)
        answer = resolve_wish(catalog, wish, choices_only(catalog, set_ or ()))
        if json and (not tree or isinstance(answer, Conflict)):
            _tell(report.answer_json(catalog, answer))
            raise typer.Exit(2 if isinstance(answer, Conflict) else 0)
        if isinstance(answer, Conflict):
            raise ConflictError(answer, conflict_sheet(catalog, answer))
        if tree:
            from cdp_scaffold.render import Template

            files = Template(root).planned(answer)
            _tell(report.tree_json(files) if json else report.tree(catalog, answer, files))
        else:
            _tell(report.resolution(catalog, answer, advice=advice))


def _new(
    dest: Path,
    wish: Sequence[str],
    settings: Sequence[str],
    file: Path | None,
    no_input: bool,
    template: str | None,
    ref: str | None,
) -> None:
    """Gather the answers, by interview where there is no wish, and generate."""
    from cdp_scaffold import project, report
    from cdp_scaffold.answers import (
        Answers,
        check_all,
        command_to_repeat,
        gather,
        settle,
        whole_command,
        with_name,
    )
    from cdp_scaffold.catalog import load_catalog
    from cdp_scaffold.questions import load_questions
    from cdp_scaffold.template import locate, opened

    project.check_destination(dest)
    folder = dest.absolute().name
    source = locate(template, ref)
    interviewed = False
    with opened(source) as root:
        catalog = load_catalog(root / "blueprints" / "catalog.yml")
        questions = load_questions(root)
        given = gather(catalog, questions, wish, settings, file)
        if not given.patterns and not no_input and _can_ask():
            from cdp_scaffold.interview import interview, on_standard_error

            suggested = with_name(Answers(), questions, folder).others
            with on_standard_error():
                given = interview(catalog, questions, given, suggested)
            interviewed = True
        given = with_name(given, questions, folder)
        command = command_to_repeat(dest, given, template, ref)
        resolution = settle(catalog, given, command)
        check_all(questions, given, folder)
        project.new(source, given.for_copier(questions, resolution), dest, root)
    recorded = project.read_answers(dest)
    again = whole_command(command, given) if interviewed else ""
    typer.echo(report.generated(dest, resolution, recorded, source.address, again), nl=False)


@app.command(epilog=EXITS)
def model(
    pairs: Annotated[
        bool, typer.Option("--pairs", help="Tell of every two patterns how they go together.")
    ] = False,
    json: Json = False,
    template: TemplateOption = None,
    ref: RefOption = None,
) -> None:
    """Tell what holds over all wishes.

    How many are valid, what never comes, and with --pairs each pair.
    """
    from cdp_scaffold import model_text
    from cdp_scaffold.model import Model

    known = Model(_catalog(template, ref))
    if pairs:
        _tell(model_text.pairs_data(known) if json else model_text.pairs(known))
    else:
        _tell(model_text.numbers_data(known) if json else model_text.numbers(known))


def _change(
    directory: Path,
    ref: str | None,
    settings: Sequence[str],
    *,
    yes: bool,
    add: Sequence[str] = (),
    remove: Sequence[str] = (),
) -> None:
    """Work out the new wish of a generated repository and bring it there."""
    from cdp_scaffold import project, report, rewish
    from cdp_scaffold.answers import asked_slots, gather
    from cdp_scaffold.catalog import load_catalog
    from cdp_scaffold.questions import load_questions
    from cdp_scaffold.template import opened, recorded

    record = project.read_record(directory)
    keep = bool(add or remove)
    source = recorded(record.address, record.commit if keep else ref)
    with opened(source) as root:
        catalog = load_catalog(root / "blueprints" / "catalog.yml")
        questions = load_questions(root)
        given = gather(catalog, questions, (), settings, change=True)
        turn = rewish.turn(
            catalog,
            record.answers,
            questions.renames,
            add=add,
            remove=remove,
            choices=given.choices,
        )
        data = {
            **given.others,
            "patterns": list(turn.resolution.wish),
            **asked_slots(questions, turn.resolution),
        }
        change = project.update(directory, record, source, data, _may_lose(yes=yes))
    commit = project.read_record(directory).commit
    typer.echo(report.updated(change, turn.notes, commit), nl=False)
    if change.conflicts:
        typer.echo(report.conflicts(change.conflicts), err=True, nl=False)
        raise typer.Exit(1)


def _may_lose(*, yes: bool) -> Callable[[Sequence[str]], bool]:
    """Ask about edited files that go; without a terminal only `--yes` is a yes."""

    def ask(paths: Sequence[str]) -> bool:
        from cdp_scaffold import report

        typer.echo(report.would_lose(paths), err=True, nl=False)
        return yes or (_on_terminal() and typer.confirm("Go on?", err=True))

    return ask


def _catalog(template: str | None, ref: str | None) -> Catalog:
    from cdp_scaffold.catalog import load_catalog

    with _root(template, ref) as root:
        return load_catalog(root / "blueprints" / "catalog.yml")


@contextmanager
def _root(template: str | None, ref: str | None) -> Iterator[Path]:
    """The plain files of the template that is meant."""
    from cdp_scaffold.template import locate, opened, own

    with opened(own() if template is None and ref is None else locate(template, ref)) as root:
        yield root


def _on_terminal() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


def _can_ask() -> bool:
    """Whether an interview can be held: a terminal, and one that can move its cursor."""
    return _on_terminal() and os.environ.get("TERM") not in (None, "", "dumb")


def _tell(what: Any) -> None:
    """Print a sheet as suits where it goes, anything else as JSON."""
    from cdp_scaffold.sheet import Sheet

    if not isinstance(what, Sheet):
        typer.echo(_json(what))
    elif sys.stdout.isatty():
        from cdp_scaffold import terminal  # pays for rich, which a pipe need not

        terminal.draw(what, sys.stdout)
    else:
        from cdp_scaffold.report import columns, table_columns

        typer.echo(what.plain(table_columns() if what.table else columns()))


def _json(what: Any) -> str:
    import json

    return json.dumps(what, indent=2, ensure_ascii=False)


def main() -> None:
    """Run `cdp`; every error we know ends as one message and an exit code."""
    run(lambda: _command()(prog_name="cdp"), _complain)


def _complain(error: ScaffoldError) -> None:
    sheet = error.sheet
    if sheet is not None and sys.stderr.isatty():
        from cdp_scaffold import terminal

        terminal.draw(sheet, sys.stderr)
    else:
        typer.echo(error.render(), err=True)


def _command() -> Any:
    """The command, which converts no option that is not given.

    For any conversion typer imports pydantic from 0.29 on, and that is half the time of `cdp list`.
    """
    group: Any = typer.main.get_command(app)
    for command in (group, *group.commands.values()):
        command.get_params = _sparing(command.get_params)
    return group


def _sparing(get_params: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def sparing(context: Any) -> Any:
        found = get_params(context)
        for each in found:
            if "process_value" not in vars(each):
                each.process_value = _unless_none(each, each.process_value)
        return found

    return sparing


def _unless_none(parameter: Any, convert: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def process_value(context: Any, value: Any) -> Any:
        if value is not None or parameter.required:
            return convert(context, value)
        return parameter.callback(context, parameter, None) if parameter.callback else None

    return process_value


if __name__ == "__main__":
    main()
