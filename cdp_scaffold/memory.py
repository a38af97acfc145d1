"""Remember what templates rendered to, for as long as one process renders many wishes.

Most templates read little: the project's name, or what one socket holds. The text is the same for
all wishes that agree in that, and to look it up takes a tenth of the time of rendering it. What a
template may read is taken from its text and from all that it includes, so it can be too much,
which costs time, but not too little.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from jinja2 import Environment, meta, nodes

MOST = 16 * 2**20
"""Bytes to remember; beyond that all is forgotten and begun anew."""

PARTED = ("plugs", "resolution", "use")
"""Variables of which a template may read a part."""

EVERYTHING = "*"


class Memory:
    """Texts by template and by the state of what it reads."""

    def __init__(self, environment: Environment) -> None:
        """Remember what this environment renders."""
        self._environment = environment
        self._reads: dict[str, frozenset[str]] = {}
        self._sorted: dict[str, tuple[str, ...]] = {}
        self._texts: dict[tuple[object, ...], bytes] = {}
        self._size = 0

    def get(self, name: str, state: Mapping[str, object], render: Callable[[], bytes]) -> bytes:
        """What a template renders to.

        Args:
            name: The template.
            state: Variable, or `variable.part` → something that is the same where the variable is,
                and under `EVERYTHING` something that is the same where all variables are. A part
                that is not named is empty, for no wish has more parts than are named.
            render: Does it, if it was not done before in the same state.
        """
        reads = self._sorted.get(name)
        if reads is None:
            reads = self._sorted[name] = tuple(sorted(self.reads(name)))
        key = (name, *[self._state(read, state) for read in reads])
        text = self._texts.get(key)
        if text is None:
            text = render()
            self._size += len(text)
            if self._size > MOST:
                self._texts.clear()
                self._size = len(text)
            self._texts[key] = text
        return text

    @staticmethod
    def _state(read: str, state: Mapping[str, object]) -> object:
        if read in state:
            return state[read]
        whole, dot, _ = read.partition(".")
        return () if dot and whole in state else state[EVERYTHING]

    def reads(self, name: str) -> frozenset[str]:
        """The variables that a template may read, `plugs.x` for a part of one."""
        if name not in self._reads:
            self._reads[name] = frozenset()  # while it is looked at, should it include itself
            loader = self._environment.loader
            assert loader is not None
            source, _, _ = loader.get_source(self._environment, name)
            tree = self._environment.parse(source)
            found = set(_names(tree))
            for other in meta.find_referenced_templates(tree):
                found |= {EVERYTHING} if other is None else self.reads(other)
            self._reads[name] = frozenset(found)
        return self._reads[name]


def _names(tree: nodes.Template) -> Iterator[str]:
    """The names a template takes from outside, a part of one where just that is read."""
    outside = meta.find_undeclared_variables(tree)
    parted: set[int] = set()
    for node in tree.find_all((nodes.Getattr, nodes.Getitem, nodes.Call)):
        owner, part = _part(node)
        if isinstance(owner, nodes.Name) and owner.name in PARTED and part:
            parted.add(id(owner))
            yield f"{owner.name}.{part}"
    for name in tree.find_all(nodes.Name):
        if name.name in outside and id(name) not in parted:
            yield name.name


def _part(node: nodes.Node) -> tuple[nodes.Node | None, str]:
    """`x` and `key` of `x.key`, `x['key']` and `x.get('key')`; empty where it is another."""
    if isinstance(node, nodes.Getattr) and not hasattr(dict, node.attr):
        return node.node, node.attr
    if isinstance(node, nodes.Getitem):
        return node.node, _constant(node.arg)
    if isinstance(node, nodes.Call) and isinstance(node.node, nodes.Getattr):
        called = node.node
        if called.attr == "get" and node.args:
            return called.node, _constant(node.args[0])
    return None, ""


def _constant(node: nodes.Node) -> str:
    """A text that stands in the template; empty where it is computed."""
    return node.value if isinstance(node, nodes.Const) and isinstance(node.value, str) else ""
