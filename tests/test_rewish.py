"""The new wish of a repository, worked out from what it records and what is asked for."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, combinations
from typing import Any

import pytest

from cdp_scaffold.answers import Answers, settle
from cdp_scaffold.catalog import Catalog, build_catalog
from cdp_scaffold.errors import (
    AnswerLostError,
    ConflictError,
    EmptyWishError,
    NotChosenError,
    PlannedError,
    ScaffoldError,
    StillNeededError,
    UnknownPatternError,
    UnusedChoiceError,
    WantedComponentError,
)
from cdp_scaffold.resolver import Resolution, resolve
from cdp_scaffold.rewish import Turn, turn


def pattern(title: str, **relations: Any) -> dict[str, Any]:
    return {
        "title": title,
        "kind": "pattern",
        "family": "drinks",
        "status": "ready",
        "summary": f"{title}.",
        "source": "https://example.com/drinks",
        **relations,
    }


def component(title: str, **relations: Any) -> dict[str, Any]:
    return {
        "title": title,
        "kind": "component",
        "status": "ready",
        "summary": f"{title}.",
        **relations,
    }


def option(title: str, fills: Sequence[str], **more: Any) -> dict[str, Any]:
    return {"title": title, "fills": list(fills), "take": f"you like {title.lower()}", **more}


RAW: Mapping[str, Any] = {
    "families": {"drinks": "Drinks"},
    "slots": {
        "brewing": {
            "title": "Brewing",
            "job": "where leaves and water meet",
            "default": "pot",
            "options": {
                "pot": option("A pot", ["teapot"]),
                "cup": option("A cup", ["infuser"]),
                "both": option("Both", ["teapot", "infuser"], asks=True),
            },
        },
        "heat": {
            "title": "Heat",
            "job": "how water gets hot",
            "default": "gas",
            "options": {
                "gas": option("Gas", ["gas_stove"]),
                "electric": option("Electricity", ["electric_stove"]),
            },
        },
    },
    "entries": {
        "tea": pattern("Tea", needs={"water": "it is mostly water"}, slots={"brewing": "it draws"}),
        "milk": pattern("Milk"),
        "lemon": pattern("Lemon", excludes={"milk": "it curdles"}),
        "teapot": pattern("Teapot", slots={"brewing": "that is what it is for"}),
        "infuser": pattern("Infuser", slots={"brewing": "that is what it is for"}),
        "party": pattern("Party", needs={"tea": "guests drink it"}),
        "samovar": pattern("Samovar", needs={"gas_stove": "it glows", "water": "it boils it"}),
        "wine": pattern("Wine", status="planned"),
        "core": component("Core", always=True),
        "water": component("Water", slots={"heat": "it must be hot"}),
        "gas_stove": component("Gas stove"),
        "electric_stove": component("Electric stove"),
    },
}


def catalog_of(**changes: Any) -> Catalog:
    return build_catalog({**RAW, **changes})


CATALOG = catalog_of()


def recorded(*wish: str, **choices: str) -> dict[str, Any]:
    """What copier records of a wish: the slots' options too, whoever decided them."""
    answer = resolve(CATALOG, wish, choices)
    assert isinstance(answer, Resolution), wish
    return {"project": "kitchen", "patterns": list(answer.wish), **answer.slots}


def turned(
    before: Mapping[str, Any],
    *,
    add: Sequence[str] = (),
    remove: Sequence[str] = (),
    catalog: Catalog = CATALOG,
    renames: Mapping[str, str] | None = None,
    **choices: str,
) -> Turn:
    return turn(catalog, before, renames or {}, add=add, remove=remove, choices=choices)


def refusal(kind: type[ScaffoldError], before: Mapping[str, Any], **how: Any) -> str:
    with pytest.raises(kind) as error:
        turned(before, **how)
    return error.value.render()


def commands(message: str) -> list[str]:
    """The ways out that a message tells."""
    lines = message.partition("\nhint: ")[2].splitlines()
    return [line.strip() for line in lines if line.startswith("    cdp ")]


class TestWish:
    """Patterns come and go."""

    def test_nothing_asked_for_is_nothing_changed(self) -> None:
        before = recorded("tea", "milk", heat="electric")

        done = turned(before)

        assert done.resolution.wish == ("tea", "milk")
        assert done.resolution.slots == {"brewing": "pot", "heat": "electric"}
        assert done.notes == ()

    def test_patterns_are_added_in_the_catalogues_order(self) -> None:
        """By id or title, once, whether they are there already or not."""
        done = turned(recorded("milk"), add=["Tea", "tea", "milk"])

        assert done.resolution.wish == ("tea", "milk")

    def test_patterns_are_removed_with_what_only_they_brought(self) -> None:
        done = turned(recorded("tea", "milk"), remove=["tea"])

        assert done.resolution.members == ("milk", "core")
        assert done.resolution.slots == {}

    def test_one_takes_the_place_of_another(self) -> None:
        done = turned(recorded("tea", "milk"), add=["lemon"], remove=["milk"])

        assert done.resolution.wish == ("tea", "lemon")

    def test_what_others_still_need_stays_as_a_part(self) -> None:
        """It is no longer chosen, and would go with the one that needs it."""
        message = refusal(StillNeededError, recorded("tea", "party"), remove=["tea"])

        assert message.startswith("error: Tea would stay: Party needs it (guests drink it)")
        assert message.endswith("\n\nhint: cdp remove tea party")

    def test_what_was_not_chosen_cannot_be_removed(self) -> None:
        assert refusal(NotChosenError, recorded("tea", "milk"), remove=["lemon"]) == (
            "error: `lemon` was not chosen\n\nhint: chosen are tea, milk"
        )

    def test_what_came_in_by_itself_is_told_why(self) -> None:
        message = refusal(NotChosenError, recorded("party"), remove=["tea"])

        assert message.startswith("error: `tea` was not chosen; it is there because Party needs")
        assert message.endswith("\n\nhint: chosen are party")

    def test_nothing_at_all_is_refused(self) -> None:
        refusal(EmptyWishError, recorded("tea"), remove=["tea"])

    def test_names_are_judged(self) -> None:
        refusal(UnknownPatternError, recorded("tea"), add=["bear"])
        refusal(UnknownPatternError, recorded("tea"), remove=["bear"])
        refusal(WantedComponentError, recorded("tea"), add=["water"])
        refusal(PlannedError, recorded("tea"), add=["wine"])

    def test_what_cannot_be_together_is_told_with_the_ways_out(self) -> None:
        """As commands for the repository that is there."""
        message = refusal(ConflictError, recorded("tea", "milk"), add=["lemon"])

        assert commands(message) == ["cdp add lemon --instead-of milk"]


class TestChoices:
    """A recorded choice stays where it can."""

    def test_one_that_was_made_stays(self) -> None:
        done = turned(recorded("tea", heat="electric"), add=["milk"])

        assert done.resolution.slots["heat"] == "electric"

    def test_one_that_was_a_default_stays_when_the_default_changes(self) -> None:
        """A store of data must not change because a new version prefers another."""
        heat = {**RAW["slots"]["heat"], "default": "electric"}
        newer = catalog_of(slots={**RAW["slots"], "heat": heat})

        done = turned(recorded("tea"), catalog=newer)

        assert done.resolution.slots["heat"] == "gas"
        assert done.notes == ()

    def test_one_is_made_now(self) -> None:
        done = turned(recorded("tea"), heat="electric")

        assert done.resolution.slots == {"brewing": "pot", "heat": "electric"}
        assert done.notes == ()

    def test_a_default_gives_way_to_what_is_asked_for(self) -> None:
        """And that is told, for it was not asked for."""
        done = turned(recorded("tea"), add=["infuser"])

        assert done.resolution.slots["brewing"] == "cup"
        assert done.notes == ("brewing becomes cup; it was pot by default",)

    def test_one_that_was_made_does_not_give_way(self) -> None:
        message = refusal(ConflictError, recorded("tea", brewing="cup"), add=["teapot"])

        assert message.startswith("error: `brewing=cup` ")
        assert sorted(commands(message)) == [
            "cdp add teapot --set brewing=both",
            "cdp add teapot --set brewing=pot",
        ]

    def test_of_several_defaults_only_those_in_the_way_give_way(self) -> None:
        done = turned(recorded("tea"), add=["infuser", "milk"])

        assert done.resolution.slots == {"brewing": "cup", "heat": "gas"}

    def test_the_other_side_may_be_kept_in_layers(self) -> None:
        done = turned(recorded("tea", "teapot"), add=["infuser"], brewing="both")

        assert done.resolution.slots["brewing"] == "both"
        assert done.notes == ()

    def test_two_for_one_job_are_a_question(self) -> None:
        message = refusal(ConflictError, recorded("tea", "teapot"), add=["infuser"])

        assert sorted(commands(message)) == [
            "cdp add infuser --instead-of teapot",
            "cdp add infuser --set brewing=both",
        ]

    def test_one_of_two_for_a_job_is_removed(self) -> None:
        done = turned(recorded("tea", "teapot"), remove=["teapot"], add=["infuser"])

        assert done.resolution.members.count("teapot") == 0
        assert done.resolution.slots["brewing"] == "cup"

    def test_a_removed_one_that_a_choice_would_bring_back_is_refused(self) -> None:
        before = recorded("tea", "teapot", "infuser", brewing="both")

        message = refusal(StillNeededError, before, remove=["teapot"])

        assert message.startswith("error: Teapot would stay: it ")
        assert message.endswith("\n\nhint: cdp remove teapot --set brewing=cup")
        done = turned(before, remove=["teapot"], brewing="cup")
        assert done.resolution.wish == ("tea", "infuser")

    def test_one_that_nothing_asks_for_any_more_is_dropped(self) -> None:
        """It was an answer to a question that is not asked now."""
        done = turned(recorded("tea", "milk", heat="electric"), remove=["tea"])

        assert done.resolution.slots == {}

    def test_one_that_nothing_asks_for_is_refused_when_made_now(self) -> None:
        refusal(UnusedChoiceError, recorded("milk"), heat="gas")

    def test_one_whose_option_is_gone_is_not_replaced(self) -> None:
        options = {"fire": option("Fire", ["gas_stove"]), "electric": option("E", [])}
        slot = {**RAW["slots"]["heat"], "options": options, "default": "electric"}
        newer = catalog_of(slots={**RAW["slots"], "heat": slot})
        before = recorded("tea", "milk")

        assert refusal(AnswerLostError, before, catalog=newer) == (
            'error: the template no longer takes the answer heat = "gas" and would make it '
            '"electric"; nothing was changed\n\n'
            "hint: choose another: cdp update --set heat=…"
        )
        assert turned(before, catalog=newer, heat="fire").resolution.slots["heat"] == "fire"
        assert turned(before, catalog=newer, remove=["tea"]).resolution.slots == {}


class TestNames:
    """Ids may change from one version to the next."""

    newer = catalog_of(
        entries={
            **{("cream" if id == "milk" else id): each for id, each in RAW["entries"].items()},
            "lemon": pattern("Lemon", excludes={"cream": "it curdles"}),
        }
    )

    def test_a_former_name_is_mapped_and_told(self) -> None:
        done = turned(recorded("tea", "milk"), catalog=self.newer, renames={"milk": "cream"})

        assert done.resolution.wish == ("tea", "cream")
        assert done.notes == ("milk is now called cream",)

    def test_a_former_and_the_present_name_are_one(self) -> None:
        before = {"patterns": ["milk", "cream"]}

        done = turned(before, catalog=self.newer, renames={"milk": "cream"})

        assert done.resolution.wish == ("cream",)

    def test_a_former_name_may_be_removed_by_its_present_one(self) -> None:
        before = recorded("tea", "milk")

        done = turned(before, catalog=self.newer, renames={"milk": "cream"}, remove=["cream"])

        assert done.resolution.wish == ("tea",)

    @pytest.mark.parametrize("renames", [{}, {"milk": "butter"}])
    def test_one_that_is_gone_is_not_dropped(self, renames: dict[str, str]) -> None:
        """Its files would vanish with it, and nobody asked for that."""
        assert refusal(
            AnswerLostError, recorded("tea", "milk"), catalog=self.newer, renames=renames
        ) == (
            'error: the template no longer takes the answer patterns = "milk"; '
            "nothing was changed\n\n"
            "hint: take it out first: cdp remove milk"
        )

    def test_the_only_one_is_to_be_replaced(self) -> None:
        assert refusal(AnswerLostError, recorded("milk"), catalog=self.newer).endswith(
            "hint: put another in its place first: cdp add PATTERN --instead-of milk"
        )


READY = [id for id in CATALOG.patterns if CATALOG.entries[id].status == "ready"]


def wishes() -> Iterator[dict[str, Any]]:
    """What any repository may record: all valid wishes with all their choices."""
    for wish in chain.from_iterable(combinations(READY, n) for n in range(1, len(READY) + 1)):
        for brewing in ("", "pot", "cup", "both"):
            for heat in ("", "gas", "electric"):
                choices = {k: v for k, v in (("brewing", brewing), ("heat", heat)) if v}
                answer = resolve(CATALOG, wish, choices)
                if isinstance(answer, Resolution) and not answer.unused:
                    yield {"patterns": list(answer.wish), **answer.slots}


RECORDS = list({str(each): each for each in wishes()}.values())


def test_a_turn_without_a_wish_changes_no_repository() -> None:
    """Whatever it records."""
    assert len(RECORDS) > 100
    for before in RECORDS:
        done = turned(before)
        assert {"patterns": list(done.resolution.wish), **done.resolution.slots} == before
        assert done.notes == ()


def test_a_turn_never_ends_in_what_cannot_be() -> None:
    """It resolves, holds what was added, and not what was removed; or it is refused."""
    refused = done = 0
    for before in RECORDS:
        for add, remove in chain(
            ((id, "") for id in READY), (("", id) for id in before["patterns"])
        ):
            try:
                made = turned(before, add=[add] if add else [], remove=[remove] if remove else [])
            except ScaffoldError:
                refused += 1
                continue
            done += 1
            expected = [id for id in READY if id in (*before["patterns"], add) and id != remove]
            assert list(made.resolution.wish) == expected
            assert not remove or remove not in made.resolution.members
            again = settle(CATALOG, Answers(made.resolution.wish, made.resolution.slots))
            assert again.slots == made.resolution.slots
    assert done > refused > 100


def test_every_way_out_that_is_told_is_one() -> None:
    """The commands of each hint, run on the repository that the message is about."""
    tried = 0
    for before in RECORDS:
        for add in READY:
            told = conflict_of(before, add)
            ways = commands(told)
            assert bool(ways) == bool(told), told
            for command in ways:
                follow(before, shlex.split(command))
                tried += 1
    assert tried > 100


def conflict_of(before: Mapping[str, Any], add: str) -> str:
    """The message about a pattern that cannot be added; nothing if it can."""
    try:
        turned(before, add=[add])
    except ConflictError as error:
        return error.render()
    return ""


def follow(before: Mapping[str, Any], words: Sequence[str]) -> Turn:
    """Do what a command says."""
    assert words[0] == "cdp"
    add: list[str] = []
    remove: list[str] = []
    choices: dict[str, str] = {}
    rest = iter(words[2:])
    for word in rest:
        if word == "--instead-of":
            remove.append(next(rest))
        elif word == "--set":
            slot, _, chosen = next(rest).partition("=")
            choices[slot] = chosen
        else:
            (remove if words[1] == "remove" else add).append(word)
    return turn(CATALOG, before, {}, add=add, remove=remove, choices=choices)
