"""The site's files: pages, partials, layouts and consumers, with their front matter."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, Final

import yaml
from liquid import Environment as LiquidEnvironment
from liquid import RenderContext, Token
from liquid.builtin import CachingLoaderMixin
from liquid.exceptions import TemplateNotFoundError
from liquid.loader import BaseLoader, TemplateSource

from liquid_background.environment import Environment, Template
from liquid_background.errors import ArgumentError, PageNotFound, TagSyntaxError
from liquid_background.job import Priority
from liquid_background.syntax import OPTIONS, show
from liquid_background.tags import Consumer

logger = logging.getLogger(__name__)

PAGES: Final = "pages"
PARTIALS: Final = "partials"
LAYOUTS: Final = "layouts"
CONSUMERS: Final = "consumers"

_FOLDERS: Final = {
    "include": (PARTIALS,),
    "render": (PARTIALS,),
    "function": (PARTIALS,),
    "background": (PARTIALS,),
    "layout": (LAYOUTS,),
    "extends": (LAYOUTS, PAGES, PARTIALS),
}
"""Where a tag looks for the template that it names; without a tag: pages, then the site's folder itself."""

_ENDINGS: Final = (".liquid", ".html.liquid", "")
_FRONT_MATTER: Final = re.compile(r"\A---[ \t]*\r?\n(?P<yaml>.*?\r?\n)?---[ \t]*(?:\r?\n|\Z)", re.DOTALL)


class SiteLoader(CachingLoaderMixin, BaseLoader):
    """Loads templates from a site's folder; caches them parsed until their file changes.

    Args:
        root: the folder that holds pages/, partials/, layouts/ and consumers/.
    """

    def __init__(self, root: str | Path) -> None:
        super().__init__(auto_reload=True, capacity=1000, thread_safe=True)
        self.root = Path(root)

    def cache_key(self, name: str, context: RenderContext | None, args: Mapping[str, object]) -> str:
        """Return the key of a parsed template: the same name may be a page and a partial."""
        return f"{args.get('tag', '')}:{name}"

    def get_source(
        self,
        env: LiquidEnvironment,
        template_name: str,
        *,
        context: RenderContext | None = None,
        **kwargs: object,
    ) -> TemplateSource:
        """Return a template's text with its name, such as `partials/emails/welcome`.

        Raises:
            TemplateNotFoundError: when there is none, or the name leads out of the site.
        """
        path = self.find(template_name, str(kwargs.get("tag") or ""))
        if path is None:
            raise TemplateNotFoundError(template_name)
        changed, name = path.stat().st_mtime_ns, self.name_of(path)
        return TemplateSource(read_text(path, name), name, partial(_is_unchanged, path, changed))

    def find(self, name: str, tag: str = "") -> Path | None:
        """Return the file of a template, None when there is none inside the site."""
        parts = PurePosixPath(name).parts
        if not parts or ".." in parts or "\0" in name or len(name) > 1000 or PurePosixPath(name).is_absolute():
            return None
        folders: tuple[str, ...] = _FOLDERS.get(tag, (PAGES, ""))
        if parts[0] == CONSUMERS or (parts[0] == PAGES and tag == "background"):  # a page that a schedule names
            folders = (*folders, "")
        root = self.root.resolve()
        for folder in folders:
            for ending in _ENDINGS:
                path = (root / folder / (name + ending)).resolve()
                if path.is_relative_to(root) and path.is_file():
                    return path
        return None

    def name_of(self, path: Path) -> str:
        """Return the name that people use for a file: its place in the site, without the ending."""
        relative = path.relative_to(self.root.resolve()).as_posix()
        return relative.removesuffix(".liquid").removesuffix(".html")

    def load(
        self,
        env: LiquidEnvironment,
        name: str,
        *,
        globals: Mapping[str, object] | None = None,
        context: RenderContext | None = None,
        **kwargs: object,
    ) -> Template:
        """Return a template, parsed, from the cache when its file has not changed."""

        def load() -> Template:
            return self._parse(env, self.get_source(env, name, context=context, **kwargs), globals)

        # A tolerant environment drops what it cannot parse; a job, which is strict, must not get that template.
        key = f"{env.mode.name}:{self.cache_key(name, context, kwargs)}"
        found = self._check_cache(env, key, globals, load)
        assert isinstance(found, Template)
        return found

    async def load_async(
        self,
        env: LiquidEnvironment,
        name: str,
        *,
        globals: Mapping[str, object] | None = None,
        context: RenderContext | None = None,
        **kwargs: object,
    ) -> Template:
        """Return a template; reading a small local file is not worth a thread."""
        return self.load(env, name, globals=globals, context=context, **kwargs)

    def _parse(self, env: LiquidEnvironment, source: TemplateSource, globals: Mapping[str, object] | None) -> Template:
        assert isinstance(env, Environment)
        matter, body, line = split_front_matter(source.text, source.name)
        name = PurePosixPath(source.name).name
        template = env.parse_at(body, line=line, name=name, path=source.name, globals=globals, front_matter=matter)
        template.uptodate = source.uptodate
        return template

    def names(self, folder: str) -> list[str]:
        """Return the names of the templates in a folder of the site, without the folder: for listings and hints."""
        base = self.root.resolve() / folder
        return sorted(self.name_of(path).removeprefix(f"{folder}/") for path in base.rglob("*.liquid"))

    def front_matters(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield the front matter of the partials and pages that have any, under the names that jobs know them by.

        One that is not a YAML mapping is logged and left out.
        """
        for folder in (PARTIALS, PAGES):
            for name in self.names(folder):
                path = self.find(name if folder == PARTIALS else f"{PAGES}/{name}", "background")
                text = path.read_text(encoding="utf-8-sig", errors="replace") if path is not None else ""
                known = name if folder == PARTIALS else f"{PAGES}/{name}"
                try:
                    matter, _, _ = split_front_matter(text, known)
                except TagSyntaxError as error:
                    logger.error("%s: %s", known, error.message)
                    continue
                if matter:
                    yield known, matter

    def consumers(self, event: str) -> Sequence[Consumer]:
        """Return the consumers of an event, by their front matter.

        Raises:
            ArgumentError: when a consumer's front matter is out of range.
        """
        if not re.fullmatch(r"[\w.\-]+(/[\w.\-]+)*", event) or ".." in event:
            return ()
        folder = self.root.resolve() / CONSUMERS / event
        return [self._consumer(event, path) for path in sorted(folder.glob("*.liquid"))]

    def _consumer(self, event: str, path: Path) -> Consumer:
        name = self.name_of(path)
        values = read_options(read_text(path, name), name)
        stem = re.sub(r"[^A-Za-z0-9_-]+", "_", f"{event}_{PurePosixPath(name).name}")[:100]
        return Consumer(
            name=name,
            source_name=values.get("source_name") or stem,
            priority=values.get("priority", Priority.DEFAULT),
            delay=values.get("delay", 0.0),
            max_attempts=values.get("max_attempts", 1),
        )


def _is_unchanged(path: Path, changed: int) -> bool:
    try:
        return path.stat().st_mtime_ns == changed
    except OSError:
        return False


def read_text(path: Path, name: str) -> str:
    """Return a template's text; a byte order mark is no part of it.

    Raises:
        TagSyntaxError: when it is not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        token = Token("", "", 0, "(bytes that are not UTF-8)")
        raise TagSyntaxError("the file is not UTF-8 text", token=token, template_name=name) from error


def read_options(text: str, name: str) -> dict[str, Any]:
    """Return the options of a job that a consumer's front matter sets.

    Raises:
        ArgumentError: at the option's line, when one is out of range.
        TagSyntaxError: when the front matter is not a YAML mapping.
    """
    matter, _, _ = split_front_matter(text, name)
    values: dict[str, Any] = {}
    for option in OPTIONS.values():
        given = matter.get(option.name)
        if given is None:
            continue
        try:
            values[option.name] = option.read(given)
        except ValueError:
            match = re.search(rf"^{option.name}\b", text, re.MULTILINE)
            token = Token("", option.name, match.start() if match else 0, text)
            message = f"the front matter's {option.complaint(given)}"
            raise ArgumentError(message, token=token, template_name=name) from None
    return values


def split_front_matter(text: str, name: str) -> tuple[dict[str, Any], str, int]:
    """Return (front matter, body, line at which the body starts).

    Raises:
        TagSyntaxError: when the front matter is not a YAML mapping.
    """
    match = _FRONT_MATTER.match(text)
    if match is None:
        return {}, text, 1
    try:
        matter = yaml.safe_load(match["yaml"] or "")
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        token = Token("", "", match.start("yaml") + (mark.index if mark is not None else 0), text)
        problem = getattr(error, "problem", None) or "it cannot be read"
        raise TagSyntaxError(f"the front matter is not YAML: {problem}", token=token, template_name=name) from error
    if matter is None:
        matter = {}
    if not isinstance(matter, dict):
        message = f"the front matter is {show(matter)}; it must be `name: value` lines"
        raise TagSyntaxError(message, token=Token("", "", 0, text), template_name=name)
    return matter, text[match.end() :], match.group().count("\n") + 1


def find_page(env: Environment, name: str) -> Template:
    """Return a page by its name.

    Raises:
        PageNotFound: with the nearest name, when the loader knows its pages.
        LiquidError: when the page cannot be parsed.
    """
    try:
        template = env.get_template(name)
    except TemplateNotFoundError as error:
        raise PageNotFound(f"no page {name!r}{_where(env, name)}") from error
    assert isinstance(template, Template)
    return template


def _where(env: Environment, name: str) -> str:
    loader = env.loader
    if not isinstance(loader, SiteLoader):
        return ""
    from_pages = loader.names(PAGES)
    near = get_close_matches(name, from_pages, n=1) or [page for page in from_pages if name in page or page in name]
    where = f" in {loader.root}/{PAGES}"
    return f"{where}; did you mean {near[0]!r}?" if near else f"{where} ({len(from_pages)} pages)"


def find_layout(env: Environment, page: Template) -> Template | None:
    """Return the layout that a page's front matter names, if any.

    Raises:
        PageNotFound: when there is no such layout.
        LiquidError: when the layout cannot be parsed.
    """
    name = page.front_matter.get("layout")
    if not name or not isinstance(name, str):
        return None
    try:
        template = env.get_template(name, tag="layout")
    except TemplateNotFoundError as error:
        raise PageNotFound(f"{page.display_name} asks for the layout {name!r}, which is not there") from error
    assert isinstance(template, Template)
    return template
