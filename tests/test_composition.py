"""The composition proof: made-up mistakes are told with the smallest wish, real ones are none."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import networkx
import pytest
from hypothesis import HealthCheck, Phase, given, settings

from cdp_scaffold.bdd import FALSE, TRUE
from cdp_scaffold.composition import files
from cdp_scaffold.composition.facts import Facts, Name
from cdp_scaffold.composition.pieces import CONTRIBUTES, NoFrameError, pieces
from cdp_scaffold.composition.proof import Proof, prove
from cdp_scaffold.feature_model import FeatureModel, told
from cdp_scaffold.render import Template
from cdp_scaffold.resolver import Resolution
from tests.conftest import ROOT, write_template
from tests.gathered import wishes
from tests.sat import SatModel, verdicts

QUEUE = 'resource "aws_sqs_queue" "tea" {\n  name = "tea"\n}\n'
ASKS = 'output "{}_queue" {{\n  value = aws_sqs_queue.tea.arn\n}}\n'
ALARM = (
    'resource "aws_cloudwatch_metric_alarm" "{}" {{\n  alarm_name = "${{local.name}}-slow"\n}}\n'
)
NAME = {"{{use.table}}/infra/table.tf": 'locals {\n  name = "table"\n}\n'}
PYTHON = "app/src/app/features"
GATHERS = "{% for id in resolution.members %}{% endfor %}"

MISTAKES: Mapping[str, tuple[Mapping[str, str], str]] = {
    "a resource that only another pattern defines": (
        {"{{use.tea}}/infra/tea.tf": QUEUE, "{{use.soup}}/infra/soup.tf": ASKS.format("soup")},
        """\
Terraform address `aws_sqs_queue.tea` is referred to and not defined for the wish: soup
  infra/soup.tf:2 (soup) refers to it
  infra/tea.tf:1 (tea) defines it, and is not there""",
    ),
    "one alarm name in two patterns": (
        {
            **NAME,
            "{{use.tea}}/infra/tea.tf": ALARM.format("tea"),
            "{{use.soup}}/infra/soup.tf": ALARM.format("soup"),
        },
        """\
name in AWS `aws_cloudwatch_metric_alarm alarm_name ${local.name}-slow` is defined twice for the \
wish: tea soup
  infra/tea.tf:2 (tea) defines it
  infra/soup.tf:2 (soup) defines it""",
    ),
    "a definition in one variant of a file": (
        {
            "{{use.table}}/infra/table.tf.jinja": "{% if use.stove %}" + QUEUE + "{% endif %}",
            "{{use.tea}}/infra/tea.tf": ASKS.format("tea"),
        },
        """\
Terraform address `aws_sqs_queue.tea` is referred to and not defined for the wish: tea
  infra/tea.tf:2 (tea) refers to it
  infra/table.tf:1 (table, stove) defines it, and is not there""",
    ),
    "what a member adds to a file that gathers": (
        {
            "{{use.table}}/infra/needs.tf.jinja": GATHERS
            + 'resource "terraform_data" "needs" {\n'
            + "  depends_on = [{{ plugs.get('needs', []) | join(', ', 'value') }}]\n"
            + "}\n",
            "{{use.soup}}/.cdp/contributes.yml": "needs: [aws_sqs_queue.tea]\n",
            "{{use.tea}}/infra/tea.tf": QUEUE,
        },
        """\
Terraform address `aws_sqs_queue.tea` is referred to and not defined for the wish: soup
  infra/needs.tf:2 (table, what soup adds) refers to it
  infra/tea.tf:1 (tea) defines it, and is not there""",
    ),
    "a way back to itself that two patterns make together": (
        {
            "{{use.table}}/infra/loop.tf.jinja": "locals {\n"
            "  loop = {{ 'local.knot' if use.tea and use.soup else '1' }}\n"
            "}\n",
            "{{use.tea}}/infra/knot.tf": "locals {\n  knot = local.loop\n}\n",
        },
        """\
Terraform address `local.knot` waits for itself for the wish: tea soup
  infra/knot.tf:2 (tea) makes `local.knot` wait for `local.loop`
  infra/loop.tf:2 (table, tea + soup) makes `local.loop` wait for `local.knot`""",
    ),
    "two owners of one path": (
        {"{{use.tea}}/scripts/it.sh": "true\n", "{{use.soup}}/scripts/it.sh": "false\n"},
        """\
path `scripts/it.sh` is defined twice for the wish: tea soup
  scripts/it.sh:1 (tea) defines it
  scripts/it.sh:1 (soup) defines it""",
    ),
    "a variable that a test sets and nobody has": (
        {
            "{{use.tea}}/infra/tests/tea.tftest.hcl": 'run "a" {\n  variables {\n'
            "    lumps = 1\n  }\n}\n"
        },
        """\
Terraform address `var.lumps` is referred to and not defined for the wish: tea
  infra/tests/tea.tftest.hcl:3 (tea) refers to it""",
    ),
    "a run of a test that comes from nowhere": (
        {
            "{{use.tea}}/infra/tests/tea.tftest.hcl": 'run "a" {\n  assert {\n'
            '    condition     = run.b.x == 1\n    error_message = "no"\n  }\n}\n',
            "{{use.tea}}/infra/tea.tf": 'output "x" {\n  value = 1\n}\n',
        },
        """\
test run `infra/tests/tea.tftest.hcl: b` is referred to and not defined for the wish: tea
  infra/tests/tea.tftest.hcl:3 (tea) refers to it""",
    ),
    "a mock of one type in two files": (
        {
            "{{use.tea}}/infra/tests/mocks/tea.tfmock.hcl": 'mock_data "aws_ami" {}\n',
            "{{use.kettle}}/infra/tests/mocks/kettle.tfmock.hcl": 'mock_data "aws_ami" {}\n',
        },
        """\
mock `infra/tests/mocks: mock_data aws_ami` is defined twice for the wish: tea
  infra/tests/mocks/kettle.tfmock.hcl:1 (kettle) defines it
  infra/tests/mocks/tea.tfmock.hcl:1 (tea) defines it""",
    ),
    "a provider that another pattern sets up": (
        {
            "{{use.tea}}/infra/tea.tf": 'provider "aws" {\n  alias = "far"\n}\n',
            "{{use.soup}}/infra/soup.tf": 'resource "aws_eip" "soup" {\n  provider = aws.far\n}\n',
        },
        """\
Terraform address `provider aws.far` is referred to and not defined for the wish: soup
  infra/soup.tf:2 (soup) refers to it
  infra/tea.tf:1 (tea) defines it, and is not there""",
    ),
    "a reference inside a heredoc": (
        {"{{use.tea}}/infra/tea.tf": "locals {\n  a = <<-EOT\n    ${var.lumps}\n  EOT\n}\n"},
        """\
Terraform address `var.lumps` is referred to and not defined for the wish: tea
  infra/tea.tf:2 (tea) refers to it""",
    ),
    "a file that Terraform reads": (
        {
            "{{use.tea}}/infra/tea.tf": "locals {\n"
            '  a = file("${path.module}/../scripts/it.sh")\n}\n',
            "{{use.stove}}/scripts/it.sh": "true\n",
        },
        """\
path `scripts/it.sh` is referred to and not defined for the wish: tea
  infra/tea.tf:2 (tea) refers to it
  scripts/it.sh:1 (stove) defines it, and is not there""",
    ),
    "a parameter that no setting reads": (
        {
            "{{use.tea}}/infra/tea.tf": 'resource "aws_ssm_parameter" "tea" {\n  for_each = {\n'
            '    lumps = 1\n  }\n\n  name = "${local.setup_settings_path}/${each.key}"\n}\n\n'
            'locals {\n  setup_settings_path = "/shop/dev/app"\n}\n',
        },
        """\
setting of the application `lumps` is referred to and not defined for the wish: tea
  infra/tea.tf:3 (tea) refers to it""",
    ),
    "a setting without default that nobody writes": (
        {
            f"{{{{use.tea}}}}/{PYTHON}/tea.py": "class TeaSettings(FeatureSettings):\n"
            '    lumps: int\n    milk: str = "none"\n',
        },
        """\
parameter of the application `lumps` is referred to and not defined for the wish: tea
  app/src/app/features/tea.py:2 (tea) refers to it""",
    ),
    "one setting in two features": (
        {
            f"{{{{use.{id}}}}}/{PYTHON}/{id}.py": "class Settings(BaseSettings):\n"
            "    lumps: int = 1\n"
            for id in ("tea", "soup")
        },
        """\
setting of the application `lumps` is defined twice for the wish: tea soup
  app/src/app/features/tea.py:2 (tea) defines it
  app/src/app/features/soup.py:2 (soup) defines it""",
    ),
    "one route in two features": (
        {
            f"{{{{use.tea}}}}/{PYTHON}/tea.py": 'router = Router(prefix="/cup")\n\n\n'
            '@router.get("/{id}")\ndef read(id: str) -> None: ...\n',
            f"{{{{use.soup}}}}/{PYTHON}/soup.py": '@router.get("/cup/{cup}")\n'
            "def read(cup: str) -> None: ...\n",
        },
        """\
route `GET /cup/{}` is defined twice for the wish: tea soup
  app/src/app/features/tea.py:4 (tea) defines it
  app/src/app/features/soup.py:1 (soup) defines it""",
    ),
    "a module of another feature": (
        {
            f"{{{{use.tea}}}}/{PYTHON}/tea.py": "LUMPS = 1\n",
            f"{{{{use.soup}}}}/{PYTHON}/soup.py": "from app.features.tea import LUMPS\n",
        },
        """\
Python name `app/src: app.features.tea.LUMPS` is referred to and not defined for the wish: soup
  app/src/app/features/soup.py:1 (soup) refers to it
  app/src/app/features/tea.py:1 (tea) defines it, and is not there""",
    ),
    "a name that a module does not have": (
        {
            "{{use.tea}}/app/tests/cups.py": "CUPS = 2\n",
            "{{use.tea}}/app/tests/test_tea.py": "from cups import CUP\n",
        },
        """\
Python name `app/tests: cups.CUP` is referred to and not defined for the wish: tea
  app/tests/test_tea.py:1 (tea) refers to it""",
    ),
    "a package that nobody requires": (
        {
            f"{{{{use.tea}}}}/{PYTHON}/tea.py": "import boto3\n",
            "{{use.stove}}/app/requirements.txt": "boto3==1.0\n",
        },
        """\
Python module `app/src: boto3` is referred to and not defined for the wish: tea
  app/src/app/features/tea.py:1 (tea) refers to it
  app/requirements.txt:1 (stove) defines it, and is not there""",
    ),
    "a link to a page that is not there": (
        {
            "{{use.tea}}/docs/patterns/tea.md": "# Tea\n\nSee [soup](soup.md#hot).\n",
            "{{use.soup}}/docs/patterns/soup.md": "# Soup\n",
        },
        """\
path `docs/patterns/soup.md` is referred to and not defined for the wish: tea
  docs/patterns/tea.md:3 (tea) refers to it
  docs/patterns/soup.md:1 (soup) defines it, and is not there""",
    ),
    "an output that a page asks for": (
        {"{{use.tea}}/docs/tea.md": "    terraform -chdir=infra output -raw tea_url\n"},
        """\
Terraform address `output.tea_url` is referred to and not defined for the wish: tea
  docs/tea.md:1 (tea) refers to it""",
    ),
    "a command that a page tells": (
        {
            "{{use.tea}}/docs/tea.md": "Run `make tea`.\n",
            "{{use.soup}}/Makefile": "soup:\n\ntea:\n",
        },
        """\
make target `tea` is referred to and not defined for the wish: tea
  docs/tea.md:1 (tea) refers to it
  Makefile:3 (soup) defines it, and is not there""",
    ),
    "a variable that a page names": (
        {
            "{{use.tea}}/docs/tea.md": "Set `soup_spoons`, not `soup_forks`.\n",
            "{{use.soup}}/infra/soup.tf": 'variable "soup_spoons" {}\n',
        },
        """\
Terraform address `var.soup_spoons` is referred to and not defined for the wish: tea
  docs/tea.md:1 (tea) refers to it
  infra/soup.tf:1 (soup) defines it, and is not there""",
    ),
    "a part that a script of servers reads": (
        {
            "{{use.tea}}/servers/setup/run": '#!/bin/bash\nsource "$BUNDLE/servers/setup/lib.sh"\n',
            "{{use.soup}}/servers/setup/lib.sh": "true\n",
        },
        """\
path `servers/setup/lib.sh` is referred to and not defined for the wish: tea
  servers/setup/run:2 (tea) refers to it
  servers/setup/lib.sh:1 (soup) defines it, and is not there""",
    ),
    "a path that a script asks the application for": (
        {"{{use.tea}}/servers/setup/start.sh": 'curl "http://127.0.0.1:$port/health"\n'},
        """\
route `GET /health` is referred to and not defined for the wish: tea
  servers/setup/start.sh:1 (tea) refers to it""",
    ),
    "a file that is listed and not there": (
        {"{{use.tea}}/.cdp/contributes.yml": "files:\n  - {path: infra/tea.tf, why: it}\n"},
        """\
path `infra/tea.tf` is referred to and not defined for the wish: tea
  .cdp/contributes.yml:2 (tea) refers to it""",
    ),
    "one box of the picture twice": (
        {
            f"{{{{use.{id}}}}}/.cdp/contributes.yml": "picture.nodes:\n  - {id: cup, label: Cup}\n"
            for id in ("tea", "soup")
        },
        """\
box of the picture `cup` is defined twice for the wish: tea soup
  .cdp/contributes.yml:2 (tea) defines it
  .cdp/contributes.yml:2 (soup) defines it""",
    ),
    "a contribution that no file gathers": (
        {"{{use.tea}}/.cdp/contributes.yml": "cups.of: [tea]\n"},
        """\
socket `cups.of` is referred to and not defined for the wish: tea
  .cdp/contributes.yml:1 (tea) refers to it""",
    ),
}

OF_THE_TEMPLATE = ("two owners of one path", "a contribution that no file gathers")
"""Mistakes that a single repository does not show."""


def opened(folder: Path, tree: Mapping[str, str]) -> tuple[Template, FeatureModel]:
    reader = {
        "{{use.table}}/reads.yml.jinja": "{{ plugs.get('files', [])[:0] }}"
        "{{ plugs.get('picture.nodes', [])[:0] }}{% if false %}{{ 'milk' }}{% endif %}\n"
    }
    template = Template(write_template(folder / "template", {**reader, **tree}))
    return template, FeatureModel(template.catalog, template.questions.all)


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told_with_the_smallest_wish_and_the_files(
    mistake: str, tmp_path: Path
) -> None:
    tree, message = MISTAKES[mistake]
    template, model = opened(tmp_path, tree)

    breaches = prove(template, model).breaches

    assert [str(breach) for breach in breaches] == [message]


def at_odds(template: Template, answer: Resolution, somewhere: set[Name]) -> set[Name]:
    """What one repository, taken as it is, lacks, defines twice, or leads back to itself."""
    said = Facts()
    for path, content in template.tree(answer).items():
        said.add(files.facts(path, content.decode()))
    for member in answer.members:
        file = template.folder(member) / ".cdp" / "contributes.yml"
        if file.exists():
            said.add(files.contributions(file.read_text(encoding="utf-8")))
    defined = [name for name, _ in said.defines]
    there = {*defined, *(name for name, _ in said.provides)}
    asked = [each for each in said.refers if not each.hearsay or somewhere & {*each.names}]
    missing = {each.names[0] for each in asked if not there & {*each.names}}
    twice = {name for name in there if defined.count(name) > 1}
    depends = networkx.DiGraph([(one, other) for one, other, _ in said.depends])
    back = {name for way in networkx.simple_cycles(depends) for name in way}
    # Sockets are a matter of the template.
    return {name for name in missing | twice | back if name.kind != "socket"}


def told_anywhere(found: Iterable[Any]) -> set[Name]:
    return {n for piece in found for n, _ in (*piece.facts.defines, *piece.facts.provides)}


def without_files_at_two_places(mistakes: Iterable[str]) -> dict[str, str]:
    """All mistakes in one template, as far as they do not speak of the same file."""
    tree: dict[str, str] = {}
    for mistake in mistakes:
        added = MISTAKES[mistake][0]
        if not tree.keys() & added.keys() and mistake not in OF_THE_TEMPLATE:
            tree.update(added)
    return tree


def test_each_single_repository_lacks_just_what_the_proof_says(tmp_path: Path) -> None:
    """Every resolution is rendered and looked at by itself, without any function."""
    template, model = opened(tmp_path, without_files_at_two_places(reversed(list(MISTAKES))))
    found = list(pieces(template, model))
    proof = prove(template, model)
    somewhere = told_anywhere(found)
    assert len(proof.breaches) > 8
    wrong: dict[Name, int] = {}
    for question in proof.questions:
        lacking = model.without(question.has, question.lacks)
        wrong[question.name] = model.diagrams.some((wrong.get(question.name, FALSE), lacking))
    count = 0
    for answer in model.each():
        here = model.agreeing(answer)
        expected = {name for name, wishes in wrong.items() if model.both(wishes, here) != FALSE}
        count += 1

        assert at_odds(template, answer, somewhere) == expected, told(answer)

    assert count == model.resolutions()


def test_the_wish_that_is_told_is_a_smallest_one(tmp_path: Path) -> None:
    template, model = opened(tmp_path, without_files_at_two_places(MISTAKES))
    somewhere = told_anywhere(pieces(template, model))
    sizes: dict[Name, int] = {}
    for answer in model.each():
        for name in at_odds(template, answer, somewhere):
            sizes[name] = min(len(answer.wish), sizes.get(name, 99))

    told_sizes = {
        breach.name: sum("=" not in word for word in breach.wish.split())
        for breach in prove(template, model).breaches
    }

    again = Name("Terraform address", "local.loop")  # on the way that is told of `local.knot`
    assert {**told_sizes, again: sizes[again]} == sizes


def test_a_sat_solver_knows_the_same_wishes(tmp_path: Path) -> None:
    _, model = opened(tmp_path, {})

    assert SatModel(model).resolutions() == model.resolutions()


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_sat_solver_comes_to_the_same_verdict(mistake: str, tmp_path: Path) -> None:
    template, model = opened(tmp_path, MISTAKES[mistake][0])
    proof = prove(template, model)

    check_by_solver(model, proof)


def check_by_solver(model: FeatureModel, proof: Proof) -> int:
    asked = {(each.has, each.lacks) for each in proof.questions}
    asked |= {(TRUE, model.valid), (model.valid, FALSE)}  # both mean the same by a valid wish
    expected = {(has, lacks): model.without(has, lacks) != FALSE for has, lacks in asked}
    expected[TRUE, model.valid] = False

    assert verdicts(model, asked) == expected

    return len(asked)


def test_an_unknown_kind_of_file_is_refused(tmp_path: Path) -> None:
    template, model = opened(tmp_path, {"{{use.tea}}/servers/brew.lua": "pour()\n"})

    with pytest.raises(files.UnknownKindError, match=r"servers/brew\.lua") as caught:
        prove(template, model)

    assert "composition/files.py" in (caught.value.hint or "")


def test_a_file_that_gathers_must_do_without_contributions(tmp_path: Path) -> None:
    text = GATHERS + "{{ plugs['cups'] | first }}\n"
    own = {"{{use.table}}/.cdp/contributes.yml": "cups: [mine]\n"}
    template, model = opened(tmp_path, {"{{use.table}}/cups.txt.jinja": text, **own})

    with pytest.raises(NoFrameError, match=r"cups\.txt\.jinja` gathers") as caught:
        prove(template, model)

    assert "plugs.get" in (caught.value.hint or "")


def test_names_of_loops_are_no_references() -> None:
    text = """\
variable "a" {
  type = map(object({ b = optional(string) }))
}

locals {
  list = [for key, each_one in var.a : each_one.b if each_one.b != key]
  map  = { for one in local.list : one.name => { for two in one.all : two.x => one.y... } }
}

resource "aws_x" "y" {
  dynamic "tag" {
    for_each = var.a
    content {
      key = tag.key
      dynamic "inner" {
        for_each = tag.value.all
        iterator = it
        content {
          value = "${tag.key}${it.value.x}${self.id}${path.module}"
        }
      }
    }
  }

  lifecycle {
    ignore_changes = [tag.x, launch_template[0].version]
  }
}
"""
    referred = {str(n) for r in files.facts("infra/a.tf", text).refers for n in r.names}

    assert referred == {"Terraform address `var.a`", "Terraform address `local.list`"}


def test_what_nginx_answers_by_itself_is_a_route() -> None:
    text = "server {\n  location = /well {\n    return 204;\n  }\n  location / {\n  }\n}\n"
    found = files.facts("servers/hop.conf", text)

    assert [str(name) for name, _ in found.defines if name.kind == "route"] == ["route `GET /well`"]


def test_indexes_and_splats_are_seen_through() -> None:
    text = """\
locals {
  a = aws_x.y[local.b[data.c.d.e].f].g
  h = one(aws_i.j[*].k)
  l = [for m in aws_n.o.*.id : upper("${m}-${module.p.q}")]
  r = { (var.s) = "t", "u" = local.v }
}
"""
    referred = {n.text for r in files.facts("infra/a.tf", text).refers for n in r.names}

    assert referred == {
        *("aws_x.y", "local.b", "data.c.d", "aws_i.j", "aws_n.o", "module.p", "var.s", "local.v")
    }


# The real blueprints.


@pytest.fixture(scope="module")
def real() -> tuple[Template, FeatureModel]:
    template = Template(ROOT)
    return template, FeatureModel(template.catalog, template.questions.all)


def test_every_repository_holds_together(
    real: tuple[Template, FeatureModel], record_property: Callable[[str, object], None]
) -> None:
    """For all valid wishes, whatever is referred to is defined, and nothing is defined twice."""
    template, model = real

    proof = prove(template, model)

    assert [str(breach) for breach in proof.breaches] == []
    record_property("proof: pieces of text read", proof.pieces)
    record_property("proof: definitions, each the only one", proof.definitions)
    record_property("proof: references, each with its definition", proof.references)
    record_property("proof: dependencies, none leading back to itself", proof.dependencies)


def names(found: Iterable[Facts]) -> tuple[set[Name], set[tuple[Name, ...]]]:
    defined = {name for each in found for name, _ in (*each.defines, *each.provides)}
    return defined, {reference.names for each in found for reference in each.refers}


def test_the_pieces_say_what_whole_repositories_say(real: tuple[Template, FeatureModel]) -> None:
    """Of any wish: all that its files say is in the pieces that hold for it, and no more."""
    template, model = real
    found = [p for p in pieces(template, model) if p.source.path != CONTRIBUTES]

    @settings(
        max_examples=8,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(wishes(model))
    def check(answer: Resolution) -> None:
        here = model.agreeing(answer)
        apart = names([p.facts for p in found if model.diagrams.meet(p.wishes, here)])
        tree = template.tree(answer)
        whole = names([files.facts(path, content.decode()) for path, content in tree.items()])

        assert apart == whole

    check()


def test_two_may_read_what_another_one_writes(tmp_path: Path) -> None:
    """A part of the setup and two features ask for one parameter; only a default is a claim."""
    asks = "class Settings(FeatureSettings):\n    milk: str\n"
    tree = {
        f"{{{{use.tea}}}}/{PYTHON}/tea.py": asks,
        f"{{{{use.soup}}}}/{PYTHON}/soup.py": asks,
        "{{use.table}}/servers/setup/pour.sh": 'lumps=$(setting LUMPS)\necho "$APP_MILK"\n',
        "{{use.table}}/infra/table.tf": 'resource "aws_ssm_parameter" "table" {\n'
        "  for_each = { milk = 1, lumps = 2 }\n\n"
        '  name = "/${var.project}/app/${each.key}"\n}\n\nvariable "project" {}\n',
    }
    template, model = opened(tmp_path, tree)

    assert prove(template, model).breaches == []


def test_a_sat_solver_comes_to_the_same_verdict_about_the_real_ones(
    real: tuple[Template, FeatureModel], record_property: Callable[[str, object], None]
) -> None:
    template, model = real

    count = check_by_solver(model, prove(template, model))

    record_property("proof: verdicts that a SAT solver shares", count)


BY_HAND: Mapping[str, tuple[Mapping[str, str], str]] = {
    "a reference to a resource that only another pattern defines": (
        {
            "{{use.multi_server}}/infra/multi_server.tf": """
locals {
  multi_server_paths = aws_cloudfront_cache_policy.cache_distribution.id
}
"""
        },
        """\
Terraform address `aws_cloudfront_cache_policy.cache_distribution` is referred to and not defined \
for the wish: multi_server""",
    ),
    "one alarm name in two patterns": (
        {
            f"{{{{use.{id}}}}}/infra/{id}.tf": f"""
resource "aws_cloudwatch_metric_alarm" "{id}_twin" {{
  alarm_name = "${{local.name}}-twin"
}}
"""
            for id in ("state_sharing", "cache_distribution")
        },
        """\
name in AWS `aws_cloudwatch_metric_alarm alarm_name ${local.name}-twin` is defined twice for the \
wish: state_sharing cache_distribution edge_origin=bucket""",
    ),
}


@pytest.mark.parametrize("mistake", BY_HAND)
def test_a_mistake_put_in_by_hand_is_reported(mistake: str, tmp_path: Path) -> None:
    additions, message = BY_HAND[mistake]
    for each in ("blueprints", "macros"):
        shutil.copytree(ROOT / each, tmp_path / each)
    shutil.copy(ROOT / "copier.yml", tmp_path)
    places = []
    for path, text in additions.items():
        file = tmp_path / "blueprints" / path
        file = file if file.exists() else file.with_name(file.name + ".jinja")
        places.append(file.read_text(encoding="utf-8").count("\n"))
        file.write_text(file.read_text(encoding="utf-8") + text, encoding="utf-8")
    template = Template(tmp_path)

    [breach] = prove(template, FeatureModel(template.catalog, template.questions.all)).breaches

    assert str(breach).splitlines()[0] == message
    owners = {place.piece.source.member for place, _ in breach.places}
    assert len(breach.places) == 2 and owners >= {path[6:].split("}")[0] for path in additions}
