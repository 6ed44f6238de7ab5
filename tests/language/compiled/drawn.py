"""Templates drawn at random: all tags in each other, and expressions of every form with values that fit and do not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from liquid_background import Environment
from tests.language.compiled.application import DOES, ERRORS, OWN_FILTERS
from tests.language.compiled.given import NAMES

FILTERS: Final = sorted(Environment().filters)
_WRITTEN: Final = (
    "upcase", "downcase", "capitalize", "strip", "lstrip", "rstrip", "append", "prepend", "escape", "plus", "minus",
    "times", "modulo", "divided_by", "round", "join", "split", "first", "last", "size", "default",
)  # fmt: skip
"""Filters that are written in place."""
_LITERALS: Final = (
    "1", "0", "-1", "2", "3", "100", "9223372036854775807", "9223372036854775808", "1.5", "0.0", "-2.25", "1e2", "'x'",
    "''", "' '", "'<b>'", '"q"', "'ß'", "','", "'x y'", "true", "false", "nil", "empty", "blank", "(1..3)", "(3..1)",
    "(1..a)", "(f..'4')", "(neg..2)", "(s..3)", "(1..nothing_there)", "'" + "l" * 501 + "'",
)  # fmt: skip
_STEPS: Final = (
    ".x", ".y", ".y.z", ".z", ".size", ".first", ".last", "[0]", "[1]", "[-1]", "[-4]", "[99]", "[9223372036854775808]",
    "['x']", "['k y']", "[key]", "[index]", "[d.x]", "[nothing_there]", "[l[1]]", "[s]", ".boom", ".typed", ".self.x",
    ".name", ".orders", ".broken", ".secret", ".only", ".left", ".value", ".nothing_there", "[ll[0][1]]", ".index",
    ".limit", ".else", "[none]", "[t]", "[f]", "[le]",
)  # fmt: skip
_LOCALS: Final = (
    "v",
    "u",
    "i",
    "j",
    "a",
    "s",
    "l",
    "forloop",
    "K1",
    "cut",
    "partial",
    "limit",
    "if",
    "not",
    "contains",
)
_FORLOOP: Final = ("index", "index0", "rindex", "rindex0", "first", "last", "length", "parentloop.index", "name", "x")
_TEXTS: Final = ("x", " ", "\n", "é", "ß <b>", "  \n ", "\u2028", "{ %", "'\"\\", "t" * 501)
_OPERATORS: Final = ("==", "!=", "<>", "<", ">", "<=", ">=", "contains")
PARTIALS: Final = {
    "p": "[{{ v }}|{{ i }}|{{ p }}|{{ a }}]",
    "loop": "{% for i in l %}{{ i }}{{ forloop.parentloop.index }}{% if i == 1 %}{% break %}{% endif %}{% endfor %}",
    "breaks": "b{% break %}c",
    "continues": "b{% continue %}c",
    "assigns": "{% assign v = 'of the partial' %}{% assign a = a | plus: 1 %}{% increment n %}{% capture u %}{{ a }}{% endcapture %}",
    "returns": "{% if a %}{% return a %}{% endif %}after",
    "returns_in_loop": "{% for i in (1..3) %}{% if i == 2 %}{% return i %}{% endif %}{{ i }}{% endfor %}",
    "fails": "before {{ s | divided_by: 0 }} after\n{{ 1 | nothing_of_that_name }}",
    "fails_late": "x\n\ny {{ 'x' | boom: 'value' }}",
    "wrong": "{% if %}",
    "itself": "{{ a }}{% include 'itself' %}",
    "layout": "<{% block one %}1{{ a }}{% endblock %}|{% block two %}2{% block three %}3{% endblock %}{% endblock %}>",
    "middle": "{% extends 'layout' %}{% block two %}m{{ block.super }}{% endblock %}",
    "counts": "{% increment n %}{% decrement m %}{% cycle 'x', 'y' %}{% cycle a: 1, 2 %}{% ifchanged %}{{ a }}{% endifchanged %}",
    "macros": "{% macro of_partial, x %}{{ x }}{{ v }}{% endmacro %}",
    "empty": "",
    "writes": "{% assign v.x = a %}{% assign i << 1 %}{% assign forloop.x = 1 %}{{ v }}",
}


@dataclass(frozen=True)
class Piece:
    """A piece of a template: its text, or what is in a block of it."""

    head: str
    inner: tuple[Piece, ...] = ()
    tail: str = ""

    def __str__(self) -> str:
        return self.head + "".join(map(str, self.inner)) + self.tail

    def smaller(self) -> Iterator[Piece]:
        """Yield pieces that are this one with less in it."""
        for place, each in enumerate(self.inner):
            before, behind = self.inner[:place], self.inner[place + 1 :]
            yield Piece(self.head, before + behind, self.tail)
            yield Piece(self.head, before + each.inner + behind, self.tail)
            for less in each.smaller():
                yield Piece(self.head, (*before, less, *behind), self.tail)


class Drawing:
    """Draws templates.

    Args:
        seed: of what is drawn.
    """

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self._depth = 0
        self._lines = False  # whether lines of a `liquid` tag are drawn

    def template(self) -> Piece:
        """Return a template."""
        pieces = self._pieces(self.random.randint(1, 9))
        if self._is(0.04):
            return Piece("", (Piece(f"{{% extends '{self._of(('layout', 'middle', 'none'))}' %}}"), *pieces))
        return Piece("", pieces)

    def partials(self) -> dict[str, str]:
        """Return the partials that it may use."""
        self._depth = 2
        own = {name: str(Piece("", self._pieces(self.random.randint(1, 4)))) for name in ("drawn", "drawn2")}
        self._depth = 0
        return {**PARTIALS, **own}

    def _of(self, choices: Sequence[str]) -> str:
        return self.random.choice(choices)

    def _is(self, chance: float) -> bool:
        return self.random.random() < chance

    def _pieces(self, count: int) -> tuple[Piece, ...]:
        self._depth += 1
        drawn = tuple(self._piece() for _ in range(count))
        self._depth -= 1
        return drawn

    def _inner(self) -> tuple[Piece, ...]:
        return self._pieces(self.random.randint(0, 3 if self._depth < 3 else 2))

    def _piece(self) -> Piece:
        if self._is(0.15):
            return Piece(self._of(_TEXTS))
        if self._is(0.35):
            return self._output()
        draw = self.random.choice(_BLOCKS if self._depth < 5 and self._is(0.6) else _SIMPLE)
        return draw(self)

    def _tag(self, text: str) -> str:
        left, right = self._of(("", "", "", "-")), self._of(("", "", "", "-"))
        return f"{{%{left} {text} {right}%}}"

    def _output(self) -> Piece:
        left, right = self._of(("", "", "", "-")), self._of(("", "", "", "-"))
        return Piece(f"{{{{{left} {self.filtered()} {right}}}}}")

    # Expressions

    def path(self) -> str:
        """Return a path."""
        if self._is(0.15):
            return f"forloop.{self._of(_FORLOOP)}"
        root = self._of(_LOCALS) if self._is(0.35) else self._of(NAMES) if self._is(0.95) else "nothing_there"
        return root + "".join(self._of(_STEPS) for _ in range(self.random.choice((0, 0, 0, 1, 1, 2, 3))))

    def primitive(self) -> str:
        """Return a path or a literal."""
        return self.path() if self._is(0.65) else self._of(_LITERALS)

    def filters(self) -> str:
        """Return filters."""
        return "".join(f" | {self._filter()}" for _ in range(self.random.choice((0, 0, 1, 1, 1, 2, 3))))

    def _filter(self) -> str:
        chance = self.random.random()
        name = self._of(_WRITTEN if chance < 0.5 else OWN_FILTERS if chance < 0.62 else FILTERS)
        if name == "boom":
            return f"boom: '{self._of(ERRORS)}'"
        if name == "set":
            return f"set: '{self._of(_LOCALS)}'"
        args = [
            self.primitive().replace("blank", "1").replace("empty", "s")
            for _ in range(self.random.choice((0, 1, 1, 1, 2, 2, 3)))
        ]
        if self._is(0.06):
            args.append(f"{self._of(('allow_false', 'x', 'context', 'self', 'sub'))}: {self.primitive()}")
        return f"{name}: {', '.join(args)}" if args else name

    def filtered(self) -> str:
        """Return an expression with filters."""
        if self._is(0.12):
            other = f" else {self.primitive()}{self.filters()}" if self._is(0.7) else ""
            tail = f" || {self._filter()}" if self._is(0.3) else ""
            return f"{self.primitive()}{self.filters()} if {self.condition()}{other}{tail}"
        return self.primitive() + self.filters()

    def written_out(self) -> str:
        """Return a list or object with its values."""
        if self._is(0.5):
            return f"[{self.primitive()}, [{self.primitive()}], {self._of(('1', '[]', '{}', 'x | upcase'))}]"
        return (
            f"{{'x': {self.primitive()}, {self._of(_LOCALS)}: {self.filtered()}, 'z': {{'y': [{self.primitive()}]}}}}"
        )

    def place(self) -> str:
        """Return a place in a list or object."""
        return self._of(_LOCALS) + self._of((".x", ".z.y", "[0]", "[key]", "['k y']", "[i]", ".z.y[0]", ".z['q']"))

    def condition(self, depth: int = 0) -> str:
        """Return a condition."""
        chance = self.random.random()
        if chance < 0.25 and depth < 2:
            return f"{self.condition(depth + 1)} {self._of(('and', 'or'))} {self.condition(depth + 1)}"
        if chance < 0.33 and depth < 2:
            return f"not {self.condition(depth + 1)}"
        if chance < 0.4 and depth < 2:
            return f"({self.condition(depth + 1)})"
        if chance < 0.7:
            return f"{self.primitive()} {self._of(_OPERATORS)} {self.primitive()}"
        return self.primitive()

    # Tags without a block

    def _simple(self) -> Piece:
        forms = (
            lambda: f"assign {self._of(_LOCALS)} = {self.filtered()}",
            lambda: f"assign {self._of(_LOCALS)} = {self.filtered()}",
            lambda: f"assign {self._of(_LOCALS)} = {self.written_out()}{self.filters()}",
            lambda: f"assign {self.place()} = {self.filtered()}",
            lambda: f"assign {self.place()} = {self.written_out()}",
            lambda: f"assign {self._of(_LOCALS)} << {self.primitive()}",
            lambda: f"echo {self.filtered()}",
            lambda: f"{self._of(('increment', 'decrement'))} {self._of(('n', 'a', 'm'))}",
            lambda: f"cycle {self.primitive()}, {self.primitive()}",
            lambda: f"cycle {self._of(('a', 'k', chr(39) + 'g' + chr(39)))}: {self.primitive()}, 2, 3",
            lambda: self._of(("break", "continue")),
            lambda: f"if {self.condition()} %}}{{% {self._of(('break', 'continue'))} %}}{{% endif",
            lambda: f"do {self._of(DOES)}",
            lambda: f"log {self.primitive()}, type: 'error'",
            lambda: f"return {self.filtered()}",
            lambda: f"function {self._of(_LOCALS)} = '{self._of(sorted(PARTIALS))}', a: {self.primitive()}",
            lambda: f"function {self.place()} = 'returns', a: {self.written_out()}",
            lambda: f"action {self._of(_LOCALS)} = 'same', a: {self.primitive()}",
            lambda: f"call m, {self.primitive()}, x: {self.primitive()}",
            lambda: (
                f"assign cut = forloop %}}{{{{ cut.{self._of(_FORLOOP)} }}}}{{% assign u = cut.{self._of(_FORLOOP)}"
            ),
        )
        return Piece(self._tag(self.random.choice(forms)()))

    def _partial(self) -> Piece:
        name = f"'{self._of((*sorted(PARTIALS), 'drawn', 'drawn', 'drawn2', 'nowhere'))}'"
        if self._is(0.1):
            name = "partial_name"
        tag = self._of(("include", "include", "render"))
        name = "'p'" if tag == "render" and name == "partial_name" else name
        way = self._of(("", "", f" with {self.path()}", f" for {self.path()}", f" for {self.path()} as v"))
        args = f", v: {self.primitive()}, i: {self.written_out()}" if self._is(0.5) else ""
        return Piece(self._tag(f"{tag} {name}{way}{args}"))

    def _raw(self) -> Piece:
        texts = (
            "{% raw %}{{ a }}{% if %}{% endraw %}", "{% comment %}{{ a }}{% if %}x{% endif %}{% endcomment %}",
            "{% # a comment %}", "{% doc %}told{% enddoc %}", "{%- comment -%} x {%- endcomment -%}",
        )  # fmt: skip
        return Piece(self._of(texts))

    def _liquid(self) -> Piece:
        lines = []
        for _ in range(self.random.randint(1, 4)):
            form = self.random.randint(0, 4)
            if form == 0:
                lines.append(f"assign {self._of(_LOCALS)} = {self.filtered()}")
            elif form == 1:
                lines.append(f"echo {self.filtered()}")
            elif form == 2:
                lines += [f"if {self.condition()}", f"  echo {self.filtered()}", "else", "  break", "endif"]
            elif form == 3:
                lines += [f"for i in {self._looped()}", "  echo i", f"  assign v = {self.filtered()}", "endfor"]
            else:
                lines += [
                    f"case {self.primitive()}",
                    f"when {self.primitive()}",
                    "  echo 1",
                    "else",
                    "  echo 2",
                    "endcase",
                ]
        text = "\n".join(line for line in lines if "\n" not in line)
        return Piece(f"{{% liquid\n{text}\n%}}")

    # Tags with a block

    def _if(self) -> Piece:
        tag = self._of(("if", "if", "unless"))
        inner = list(self._inner())
        for _ in range(self.random.choice((0, 0, 1, 2))):
            inner += [Piece(self._tag(f"elsif {self.condition()}"), self._inner())]
        if self._is(0.4):
            inner += [Piece(self._tag("else"), self._inner())]
        return Piece(self._tag(f"{tag} {self.condition()}"), tuple(inner), self._tag(f"end{tag}"))

    def _case(self) -> Piece:
        inner: list[Piece] = []
        for _ in range(self.random.randint(0, 3)):
            if self._is(0.8):
                joined = self._of((", ", " or "))
                values = joined.join(self.primitive() for _ in range(self.random.choice((1, 1, 2, 3))))
                inner += [Piece(self._tag(f"when {values}"), self._inner())]
            else:
                inner += [Piece(self._tag("else"), self._inner())]
        return Piece(self._tag(f"case {self.primitive()}"), tuple(inner), self._tag("endcase"))

    def _looped(self) -> str:
        listed = ("l", "ls", "ld", "ll", "le", "many", "d", "tup", "gen", "s", "(1..3)", "(1..a)", "customers", "rows", "i",
                  "(1..nothing_there)", "(a..f)", "(1..'3')", "stands_list", "texts", "drop", "r", "none", "a", "v", "(0..0)")  # fmt: skip
        text = self._of(listed) if self._is(0.8) else self.path()
        if self._is(0.3):
            text += f" {self._of(('limit: 2', 'limit: a', 'limit: s', 'limit:0', 'limit: -1'))}"
        if self._is(0.3):
            text += f" {self._of(('offset: 1', 'offset: continue', 'offset: continue', 'offset: f', 'offset: nothing_there'))}"
        return text + (" reversed" if self._is(0.15) else "")

    def _for(self) -> Piece:
        inner = self._inner()
        if self._is(0.25):
            inner = (*inner, Piece(self._tag("else"), self._inner()))
        return Piece(
            self._tag(f"for {self._of(('i', 'i', 'j', 'a', 's', 'forloop', 'L'))} in {self._looped()}"),
            inner,
            self._tag("endfor"),
        )

    def _tablerow(self) -> Piece:
        cols = self._of(("", " cols: 2", " cols: a", " cols: s"))
        return Piece(
            self._tag(f"tablerow i in {self._looped().replace(' reversed', '')}{cols}"),
            self._inner(),
            self._tag("endtablerow"),
        )

    def _plain_block(self) -> Piece:
        head, end = self.random.choice(
            (
                (f"capture {self._of(_LOCALS)}", "endcapture"),
                (f"capture {self._of(_LOCALS)}", "endcapture"),
                ("ifchanged", "endifchanged"),
                (f"with v: {self.primitive()}, i: {self.primitive()}", "endwith"),
                ("macro m, x, y: 1", "endmacro"),
                ("block one", "endblock"),
                ("background source_name: 'x'", "endbackground"),
                ("translate count: a", "endtranslate"),
            )
        )
        return Piece(self._tag(head), self._inner(), self._tag(end))

    def _try(self) -> Piece:
        caught = Piece(
            "{% catch e %}", (Piece("{{ e.name }} {{ e.detail }} {{ e.line }} {{ e.template }}"), *self._inner())
        )
        return Piece("{% try %}", (*self._inner(), caught), "{% endtry %}")


_SIMPLE: Final[Sequence[Callable[[Drawing], Piece]]] = (
    Drawing._simple, Drawing._simple, Drawing._simple, Drawing._simple, Drawing._partial, Drawing._raw, Drawing._liquid,
)  # fmt: skip
_BLOCKS: Final[Sequence[Callable[[Drawing], Piece]]] = (
    Drawing._if, Drawing._if, Drawing._for, Drawing._for, Drawing._for, Drawing._case, Drawing._tablerow,
    Drawing._plain_block, Drawing._plain_block, Drawing._try, Drawing._try,
)  # fmt: skip
