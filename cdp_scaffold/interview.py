"""Ask for a wish on a terminal, and show at once what each choice does.

Nothing is written here, and Ctrl-C at any question raises KeyboardInterrupt. `effects` works out
what a choice does.
"""

from __future__ import annotations

import signal
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from cdp_scaffold.answers import Answers, typed
from cdp_scaffold.catalog import Catalog
from cdp_scaffold.effects import Answer, effect, offered, open_options, planned, ways_out
from cdp_scaffold.errors import TemplateError
from cdp_scaffold.explain import conflict_text, repair_text, resolution_text
from cdp_scaffold.questions import Question, Questions
from cdp_scaffold.report import answers_text, columns
from cdp_scaffold.resolver import Conflict, Repair, Resolution, decide, resolve

if TYPE_CHECKING:
    from types import FrameType

    from questionary import Question as Prompt

PANEL = 8
"""Lines beneath a list, where a choice's effect is told."""

Rows = Sequence[tuple[str, str]]
"""Label and text; what has no label stands first."""


def interview(
    catalog: Catalog, questions: Questions, given: Answers, suggested: Mapping[str, Any]
) -> Answers:
    """Ask what is not given yet, until the user agrees to the result.

    Args:
        catalog: Names and relates everything.
        questions: What the template asks, with its rules.
        given: What flags and files have answered; it is not asked again.
        suggested: Question → answer to offer instead of the template's default.

    Raises:
        KeyboardInterrupt, EOFError: The user wants no more.
    """
    return _Interview(catalog, questions, suggested).run(given)


@contextmanager
def on_standard_error() -> Iterator[None]:
    """Ask there: standard output may lead into a file, and questions belong on the terminal."""
    from prompt_toolkit.application import create_app_session
    from prompt_toolkit.output import create_output

    with create_app_session(output=create_output(stdout=sys.stderr)):
        yield


class _Interview:
    def __init__(
        self, catalog: Catalog, questions: Questions, suggested: Mapping[str, Any]
    ) -> None:
        self.catalog = catalog
        self.questions = questions
        self.suggested = suggested
        self.plain = [
            question
            for name, question in questions.all.items()
            if name != "patterns" and name not in catalog.slots
        ]

    def run(self, given: Answers) -> Answers:
        _say("Ctrl-C leaves at any time; nothing is written before you agree at the end.\n")
        for question in self.plain:
            if question.when is True and question.name not in given.others:
                given = self.with_answer(given, question)
        marked: tuple[str, ...] = ()
        while True:
            answers = self.conditional(self.structure(self.wish(given, marked)))
            if self.agreed(answers):
                return answers
            marked = answers.patterns

    def with_answer(self, answers: Answers, question: Question) -> Answers:
        """Ask one question whose answer is text, a number, yes or no, or one of a fixed list."""
        import questionary

        known = self.known(answers)
        default = self.suggested.get(question.name, question.default)
        about = question.help.strip().splitlines()
        message = about[0] if about and "{" not in about[0] else question.name
        if question.type == "bool":
            value = _run(questionary.confirm(message, default=default is True))
        elif question.fixed_choices:
            choices = [questionary.Choice(str(each), each) for each in question.fixed_choices]
            known_default = default if default in question.fixed_choices else None
            value = _run(questionary.select(message, choices, default=known_default))
        else:
            read = self.questions

            def fault(text: str) -> str | bool:
                value = typed(read, question.name, text)
                return read.fault(question.name, value, known) or True

            start = "" if default is None or "{" in str(default) else str(default)
            text = _run(questionary.text(message, default=start, validate=fault))
            value = typed(self.questions, question.name, text)
        return replace(answers, others={**answers.others, question.name: value})

    def wish(self, given: Answers, marked: tuple[str, ...]) -> Answers:
        """Ask for patterns until they can be in one system."""
        catalog = self.catalog
        while True:
            marked = self.patterns(given, marked)
            answers = replace(given, patterns=marked)
            answer = resolve(catalog, answers.patterns, answers.choices)
            while isinstance(answer, Conflict):
                repair = self.way_out(answer)
                if repair is None:
                    break
                answers = replace(answers, patterns=repair.wish, choices=repair.choices)
                answer = resolve(catalog, answers.patterns, answers.choices)
            if isinstance(answer, Resolution):
                return self.without_unused(answers, answer)

    def patterns(self, given: Answers, marked: tuple[str, ...]) -> tuple[str, ...]:
        """Ask for patterns by family."""
        import questionary

        catalog = self.catalog
        can = offered(catalog)
        if not can:
            raise TemplateError("the template has no pattern that can be generated")
        left = max(len(catalog.entries[id].title) for id in can) + 2
        room = _width() - left - len(" » ● ")
        choices: list[questionary.Choice] = []
        for family, title in catalog.families.items():
            entries = [catalog.entries[id] for id in can if catalog.entries[id].family == family]
            choices += [questionary.Separator(title)] if entries else []
            choices += [
                questionary.Choice(
                    f"{entry.title:{left}}{_cut(entry.summary, room)}",
                    entry.id,
                    checked=entry.id in marked,
                )
                for entry in entries
            ]

        def fault(wish: list[str]) -> str | bool:
            if not wish:
                return "Choose at least one: move to it and press space."
            missing = planned(catalog, resolve(catalog, wish, given.choices))
            told = f"These need what is only planned yet: {self.titles(missing)}."
            return told if missing else True

        if len(can) < len(catalog.patterns):
            more = len(catalog.patterns) - len(can)
            are = "pattern is" if more == 1 else "patterns are"
            _say(f"{more} more {are} planned; `cdp list` shows all of them.")
        prompt = questionary.checkbox(
            "Patterns",
            choices,
            validate=fault,
            instruction="(arrows move, space chooses, letters filter, enter goes on)",
            use_search_filter=True,
            use_jk_keys=False,
        )

        def panel(id: Any, wish: Sequence[Any]) -> Rows:
            return self.pattern_rows(id, wish, given.choices) if id in can else ()

        chosen = _ask_list(prompt, panel)
        _say(f"? Patterns {self.titles(chosen)}")
        return catalog.ordered(chosen)

    def pattern_rows(self, id: str, wish: Sequence[str], choices: Mapping[str, str]) -> Rows:
        """What the pattern is for, what it does to the wish, and where the wish stands."""
        catalog = self.catalog
        found = effect(catalog, wish, id, choices)
        rows = [
            ("", catalog.entries[id].summary),
            ("brings in", self.titles(found.brings) or "nothing more"),
            ("rules out", self.titles(found.excludes) or "nothing"),
        ]
        rows += [
            ("asks", f"{self.titles([other])} cannot be in one system with it: which?")
            for other in found.against
        ]
        rows += [
            ("asks", f"{self.titles(others)} does one job with it, {_job(catalog, slot)}: which?")
            for slot, others in found.shares.items()
        ]
        if wish:
            members = set(decide(catalog, wish, choices).members)
            rows.append(("so far", f"{len(wish)} chosen, {len(members - set(wish))} brought in"))
        return rows

    def way_out(self, conflict: Conflict) -> Repair | None:
        """Ask how to resolve a conflict; nothing where the user wants to choose patterns anew."""
        import questionary

        part, repairs = ways_out(self.catalog, conflict)
        told = conflict_text(self.catalog, part, width=columns()).partition("\n\nhint: ")[0]
        _say(f"\n{told.removeprefix('error: ')}\n")
        titles = [*self.repair_titles(repairs, part.facts[0].slot), "Choose patterns again"]
        choices = [questionary.Choice(title, number) for number, title in enumerate(titles)]
        prompt = questionary.select("Which is it to be?", choices)

        def panel(number: Any, _: Sequence[Any]) -> Rows:
            if number == len(repairs):
                return ()
            repair, after = repairs[number]
            told = repair_text(self.catalog, repair)
            return [
                ("", f"This is your wish {told}."),
                *self.change_rows(conflict, after, repair.drop),
            ]

        number = _ask_list(prompt, panel)
        _say(f"? Which is it to be? {titles[number].partition(': ')[0]}")
        return repairs[number][0] if number < len(repairs) else None

    def repair_titles(
        self, repairs: Sequence[tuple[Repair, Answer]], slot: str | None
    ) -> list[str]:
        """What each makes of the slot, or what it changes where that does not tell them apart."""
        options = [after.slots.get(slot, "") if slot else "" for _, after in repairs]
        titles = []
        for (repair, _), option in zip(repairs, options, strict=True):
            told = repair_text(self.catalog, repair)
            if slot and option and options.count(option) == 1:
                titles.append(self.option_title(slot, option))
            else:
                titles.append(told[:1].upper() + told[1:])
        return titles

    def without_unused(self, answers: Answers, resolution: Resolution) -> Answers:
        for slot in resolution.unused:
            option = answers.choices[slot]
            _say(f"note: `{slot}={option}` is left out, for no part of the wish asks for it")
        used = {s: o for s, o in answers.choices.items() if s not in resolution.unused}
        return replace(answers, choices=used)

    def structure(self, answers: Answers) -> Answers:
        """Ask for each slot that the wish opens and for which more than one option is ready."""
        for slot in resolve(self.catalog, answers.patterns).slots:
            now = resolve(self.catalog, answers.patterns, answers.choices)
            asked = slot in self.questions.all and slot not in answers.choices
            if not asked or slot not in now.slots:
                continue
            options = open_options(self.catalog, answers, slot)
            if len(options) > 1:
                option = self.option(slot, now, options)
                answers = replace(answers, choices={**answers.choices, slot: option})
        return answers

    def option(self, slot: str, now: Answer, options: Mapping[str, Resolution]) -> str:
        import questionary

        known = self.catalog.slots[slot]
        choices = [questionary.Choice(self.option_title(slot, each), each) for each in options]
        prompt = questionary.select(
            known.title, choices, default=now.slots[slot], instruction=f"({known.job})"
        )

        def panel(option: Any, _: Sequence[Any]) -> Rows:
            compared = [(row.about, row.of[option]) for row in known.trade_off]
            return [*compared, *self.change_rows(now, options[option])]

        option = str(_ask_list(prompt, panel))
        _say(f"? {known.title} {known.options[option].title}")
        return option

    def option_title(self, slot: str, option: str) -> str:
        known = self.catalog.slots[slot].options[option]
        return f"{known.title}: {known.take}"

    def change_rows(self, before: Answer, after: Answer, told: Sequence[str] = ()) -> Rows:
        brings = [id for id in after.members if id not in before.members]
        leaves = [id for id in before.members if id not in (*after.members, *told)]
        rows = [("brings in", self.titles(brings)), ("leaves out", self.titles(leaves))]
        return [(label, text) for label, text in rows if text]

    def conditional(self, answers: Answers) -> Answers:
        """Ask what the template asks only because of what was chosen before."""
        for question in self.plain:
            known = self.known(answers)
            if question.name not in answers.others and self.questions.asked(question.name, known):
                answers = self.with_answer(answers, question)
        return answers

    def known(self, answers: Answers) -> dict[str, Any]:
        """The answers as the template's rules see them."""
        if not answers.patterns:
            return dict(answers.others)
        draft = resolve(self.catalog, answers.patterns)
        found = resolve(self.catalog, answers.patterns, answers.choices)
        return {
            "patterns": list(answers.patterns),
            "draft": {"members": list(draft.members), "slots": dict(draft.slots)},
            "resolution": {"members": list(found.members), "slots": dict(found.slots)},
            **found.slots,
            **answers.others,
        }

    def agreed(self, answers: Answers) -> bool:
        """Show the result and ask for a yes; a no leads back to the patterns."""
        import questionary

        resolution = resolve(self.catalog, answers.patterns, answers.choices)
        assert isinstance(resolution, Resolution)
        told = resolution_text(self.catalog, resolution, advice=False, width=columns())
        _say(f"\n{told}\n\n{answers_text(answers.others)}\n")
        choices = ["Yes", "No, choose patterns again", "No, leave; nothing is written"]
        answer = _run(questionary.select("Generate it?", choices))
        if answer == choices[2]:
            raise KeyboardInterrupt
        return bool(answer == choices[0])

    def titles(self, ids: Iterable[str]) -> str:
        return ", ".join(self.catalog.entries[id].title for id in ids)


def _job(catalog: Catalog, slot: str) -> str:
    title = catalog.slots[slot].title
    return title if title[1:2].isupper() else title[:1].lower() + title[1:]


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _run(prompt: Prompt) -> Any:
    """Ask, and let a request to terminate end the question like Ctrl-C, the terminal given back."""
    app = prompt.application

    def end(number: int, _: FrameType | None) -> None:
        def stop() -> None:
            if app.is_running and not app.is_done:
                app.exit(exception=SystemExit(128 + number))

        if app.loop is not None:
            app.loop.call_soon_threadsafe(stop)

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        return prompt.unsafe_ask()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _ask_list(prompt: Prompt, panel: Callable[[Any, Sequence[Any]], Rows]) -> Any:
    """Ask with a panel beneath the list that follows the pointer and the marks."""
    from prompt_toolkit.filters import Always, is_done
    from prompt_toolkit.key_binding import KeyBindings, merge_key_bindings
    from prompt_toolkit.layout import (
        ConditionalContainer,
        Dimension,
        FormattedTextControl,
        HSplit,
        Window,
    )
    from questionary.prompts.common import InquirerControl

    app = prompt.application
    root = app.layout.container
    assert isinstance(root, HSplit)
    windows = list(app.layout.find_all_windows())
    window = next(each for each in windows if isinstance(each.content, InquirerControl))
    control = window.content
    assert isinstance(control, InquirerControl)
    window.dont_extend_height = Always()
    app.erase_when_done = True  # its own line would count the patterns, or repeat a whole sentence

    def text() -> str:
        marked = [each.value for each in control.get_selected_values()]
        rows = panel(control.get_pointed_at().value, marked)
        return "\n".join(["", *_row_lines(rows, _width())][:PANEL])

    def height() -> Dimension:
        return Dimension.exact(min(PANEL, app.output.get_size().rows // 3))

    shown = HSplit([Window(FormattedTextControl(text), height=height), Window()])
    root.children.append(ConditionalContainer(shown, filter=~is_done))

    def leave_titles(_: object) -> None:
        for _each in control.filtered_choices:
            if not control.is_selection_valid():
                control.select_next()

    app.key_processor.after_key_press += leave_titles  # questionary points at one after filtering
    keys = KeyBindings()

    @keys.add("c-i", eager=True)
    @keys.add("c-a", eager=True)
    def _(_: object) -> None:
        """Do not mark everything at once, as questionary does."""

    app.key_bindings = merge_key_bindings([app.key_bindings or KeyBindings(), keys])
    return _run(prompt)


def _row_lines(rows: Rows, width: int) -> list[str]:
    left = max((len(label) for label, _ in rows), default=0) + 2
    lines: list[str] = []
    for label, text in rows:
        first = f"   {label:{left}}" if label else "   "
        rest = " " * len(first)
        lines += textwrap.wrap(
            text, width, initial_indent=first, subsequent_indent=rest, max_lines=2, placeholder=" …"
        )
    return lines


def _cut(text: str, room: int) -> str:
    return text if len(text) <= room else f"{text[: max(room - 1, 0)].rstrip()}…"


def _width() -> int:
    """The columns of the terminal that is asked on."""
    from prompt_toolkit.application import get_app_session

    return get_app_session().output.get_size().columns
