"""The environment: python-liquid's, with our tags and filters; it parses templates so that errors name their place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from liquid import BoundTemplate, Mode, TagAnalysis, Token
from liquid.exceptions import BlockNestingError, LiquidError, ResourceLimitError, TemplateNotFoundError
from liquid.parser import get_parser
from liquid.token import TOKEN_CONTENT, TOKEN_TAG

from liquid_background.errors import LiquidBackgroundError, TagSyntaxError
from liquid_background.language.bounds import set_bounds
from liquid_background.language.declaring import Declaring
from liquid_background.language.dialect import Dialect, dialect_of
from liquid_background.language.exposed import Exposing, Exposure
from liquid_background.language.filters import BoundedTranslateTag, add_filters
from liquid_background.language.kept import weigh
from liquid_background.language.limits import MAX_NAMESPACE, MAX_OUTPUT, MAX_TEMPLATE, MAX_TURNS, look, nobody_looks
from liquid_background.language.sending import Sending, Sink
from liquid_background.language.speaking import Speaking
from liquid_background.language.strict import is_strict, tolerate
from liquid_background.language.syntax import (
    REFUSALS,
    Delimiters,
    code_error,
    cut,
    is_impossible,
    lexer,
    nested_too_deep,
    parsing,
    template_name,
    token_in,
)
from liquid_background.language.tags import (
    HANDS_OVER,
    CallTag,
    Collector,
    Consumer,
    ExtendsTag,
    MacroTag,
    Tokens,
    blocks_only,
    placed,
    register,
)
from liquid_background.language.template import Template
from liquid_background.settings import Settings
from liquid_background.wording import kilobytes


class Environment(Declaring, Speaking, Sending, Exposing):
    """A python-liquid environment with background jobs.

    Args:
        ejs_tags: whether `<% background %>` means `{% background %}`.
        event_context: request secrets that event consumers may see: cookies, cookie, authorization.
        page_timeout: seconds that rendering one page may take; its engine's setting when not given.
        compile: whether templates that are rendered often become Python functions; its engine's setting when not given.
        ready_rules: whether pages read the fields that dataclasses, models and rows declare, without `expose`.
        extra: whether python-liquid's extra tags and filters are on (`json`, `macro`, `extends`, …).
        dialect: forms beyond standard Liquid, such as `platformos`; its engine's setting when not given.
        options: python-liquid's own arguments.
    """

    template_class = Template
    loop_iteration_limit = MAX_TURNS
    output_stream_limit = MAX_OUTPUT
    local_namespace_limit = MAX_NAMESPACE

    def __init__(
        self,
        *,
        ejs_tags: bool = True,
        event_context: Iterable[str] = (),
        page_timeout: float | None = None,
        compile: bool | None = None,
        ready_rules: bool = True,
        extra: bool = True,
        dialect: Dialect | str | None = None,
        **options: Any,
    ) -> None:
        self.ejs_tags = ejs_tags
        self.page_timeout = page_timeout
        self.compile = compile
        self.guarded_filters: dict[str, tuple[object, Callable[..., object]]] = {}  # by name, each with what it guards
        self.event_context = frozenset(event_context)
        self.exposure = Exposure(lambda: self.secret_names, ready_rules=ready_rules)
        self.hands_over: set[str] = set(HANDS_OVER)
        self.actions: dict[str, Callable[..., Any]] = {}
        self._say_nothing()
        self.report: Callable[[LiquidError], None] | None = None  # takes errors instead of the mode, for checks
        super().__init__(extra=extra, **options)
        self._choose(dialect)

    def attach(self, engine: Sink, settings: Settings) -> None:
        """Send to an engine from now on, and take from its settings what this environment leaves open.

        Raises:
            SettingsError: when it sends to another one.
        """
        super().attach(engine, settings)
        if not self._has_chosen:
            self._speak(dialect_of(settings.dialect))

    @property
    def mode(self) -> Mode:
        """How tolerant of errors it is here and now; jobs are always STRICT, but for wrong values of tags."""
        return Mode.STRICT if is_strict() else self._mode

    @mode.setter
    def mode(self, mode: Mode) -> None:
        self._mode = mode

    def setup_tags_and_filters(self, *, extra: bool = False) -> None:
        """Add python-liquid's tags and filters, then ours."""
        super().setup_tags_and_filters(extra=extra)
        add_filters(self, self.exposure, extra=extra)
        if extra:
            self.add_tag(BoundedTranslateTag)
            self.add_tag(CallTag)
            self.add_tag(ExtendsTag)
            self.add_tag(MacroTag)
        register(self, self.hands_over)

    def error(self, exc: type[LiquidError] | LiquidError, msg: str | None = None, token: Token | None = None) -> None:
        """Raise, warn of or ignore an error, as the mode says; a limit is raised in each."""
        if self.report is None and self.mode is Mode.LAX and not isinstance(exc, ResourceLimitError):
            return
        error = placed(exc if isinstance(exc, LiquidError) else exc(msg, token=token))
        if error is None:
            return
        if self.report is None and not isinstance(error, ResourceLimitError):
            error.token = error.token or token
            super().error(cut(error), token=token)
            return
        if self.report is None or isinstance(error, BlockNestingError):  # behind which no end tag fits any more
            error.token = error.token or token_in(error.__traceback__)[0] or token
            raise error
        error.token = error.token or token
        self.report(error)

    def tokenizer(self) -> Any:
        """Return what makes a template's text tokens; it takes `<% background %>` too unless that is off."""
        delimiters = Delimiters(
            tag=(self.tag_start_string, self.tag_end_string),
            output=(self.statement_start_string, self.statement_end_string),
            comment=(self.comment_start_string, self.comment_end_string),
        )
        return lexer(delimiters, self.ejs_tags)

    def get_template(self, name: str, **options: Any) -> BoundTemplate:
        """Load and parse a template; before one more of a render, that looks at its clock: none is while one is parsed.

        Raises:
            TemplateNotFoundError: when there is none, or no file can have that name.
        """
        look(options.get("context"))
        try:
            return super().get_template(name, **options)
        except REFUSALS as error:
            if is_impossible(name, error):
                raise TemplateNotFoundError(name, filename=name) from error
            raise

    async def get_template_async(self, name: str, **options: Any) -> BoundTemplate:
        """Do what `get_template` does, awaiting what can be awaited."""
        look(options.get("context"))
        try:
            return await super().get_template_async(name, **options)
        except REFUSALS as error:
            if is_impossible(name, error):
                raise TemplateNotFoundError(name, filename=name) from error
            raise

    def from_string(
        self,
        source: str,
        name: str = "",
        path: str | Path | None = None,
        globals: Mapping[str, object] | None = None,
        matter: Mapping[str, object] | None = None,
    ) -> Template:
        """Parse a template; see `parse_at` for one that starts elsewhere than in line 1."""
        return self.parse_at(source, name=name, path=path, globals=globals, matter=matter)

    def parse_at(
        self,
        source: str,
        *,
        line: int = 1,
        column: int = 0,
        name: str = "",
        path: str | Path | None = None,
        **rest: Any,
    ) -> Template:
        """Parse a slice of a template, so that errors in it name the line and column of the whole.

        Raises:
            LiquidError: for whatever cannot be parsed, in STRICT mode.
        """
        display_name = template_name(path or name)
        _check_size(source, display_name)
        token = parsing.set(display_name)
        stream = None
        try:
            stream = Tokens(self, self._tokens(source, line, column))
            with stream.being_parsed():
                nodes = get_parser(self).parse(stream)
            set_bounds(self, nodes)
        except BlockNestingError as error:
            message = f"the template is nested too deep: at most {self.block_nesting_limit} blocks in each other"
            raise cut(TagSyntaxError(message, token=error.token, template_name=display_name)) from error
        except LiquidError as error:
            error.template_name = error.template_name or display_name
            cut(error)
            raise
        except RecursionError as error:
            raise cut(nested_too_deep(stream.current if stream else None, display_name)) from error
        except (LiquidBackgroundError, MemoryError):
            raise
        except Exception as error:  # of a tag of the application's, as a rule
            at = stream.last(TOKEN_TAG) if stream else None
            raise cut(code_error(error, at, display_name)) from error
        finally:
            parsing.reset(token)
        made_globals = self.make_globals(rest.pop("globals", None))
        made = self.template_class(env=self, nodes=nodes, name=name, path=path, globals=made_globals, **rest)
        made.weight = weigh(stream.tokens)
        return made

    def _tokens(self, source: str, line: int, column: int) -> Iterator[Token]:
        """Tokenize a slice behind blank padding, so that every position is that of the whole template."""
        padding = "\n" * (line - 1) + " " * column
        tokens = self.tokenizer()(padding + source)
        if not padding:
            yield from tokens
            return
        for token in tokens:
            if token.kind == TOKEN_CONTENT and not token.start_index:
                if len(token.value) > len(padding):
                    yield token._replace(value=token.value[len(padding) :], start_index=len(padding))
            else:
                yield token

    def analyze_tags_from_string(self, source: str, name: str = "<string>", **options: Any) -> TagAnalysis:
        """Analyze tags without parsing; a background tag in its partial form needs no end tag."""
        tokens = list(self.tokenizer()(source))
        analysis = TagAnalysis(env=self, name=name, tokens=blocks_only(tokens), **options)
        whole = analysis._all_tags(tokens)
        analysis.all_tags.update(whole)
        analysis.tags.update({tag: whole[tag] for tag in whole.keys() & self.tags.keys()})
        return analysis

    def new_collector(self) -> Collector:
        """Return an empty collector for a page."""
        return Collector(self)

    def consumers(self, event: str, look: Callable[[], None] = nobody_looks) -> Sequence[Consumer]:
        """Return the consumers of an event; only a SiteLoader knows any, alone or in a ChoiceLoader."""
        loaders = getattr(self.loader, "loaders", [self.loader])
        finders = [loader.consumers for loader in loaders if hasattr(loader, "consumers")]
        try:
            return [consumer for find in finders for consumer in find(event, look, partial(tolerate, self))]
        except REFUSALS as error:
            if is_impossible(event, error):
                return ()
            raise


def _check_size(source: str, name: str) -> None:
    if len(source) * 4 > MAX_TEMPLATE and (size := len(source.encode("utf-8", "surrogatepass"))) > MAX_TEMPLATE:
        message = f"the template has {kilobytes(size)}; a template may have {MAX_TEMPLATE // 1024} KB"
        raise TagSyntaxError(message, token=Token("", "", 0, "(the template)"), template_name=name)
