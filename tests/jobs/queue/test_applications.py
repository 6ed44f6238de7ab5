"""Whether workers of the same queues run one application: what counts as evidence, and what is let pass."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from liquid_background import Engine
from liquid_background.application import application_of
from liquid_background.jobs.queue import keys, moves, scripts
from liquid_background.jobs.queue.applications import Application, digest_of, sampled
from liquid_background.jobs.queue.looking import sites_verdicts
from liquid_background.jobs.store import Store
from liquid_background.settings import Settings, load_settings


def _site(folder: Path, files: dict[str, str], app: str = "") -> Application:
    for name, text in files.items():
        path = folder / f"{name}.liquid"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    settings = load_settings(templates=folder, redis_url="redis://127.0.0.1:1", app=app or None)
    return application_of(Engine(settings=settings), settings)


def _files(count: int, text: str = "", first: int = 0) -> dict[str, str]:
    return {f"partials/p{number}": f"{text}{number}" for number in range(first, first + count)}


def test_the_same_names_with_other_contents_are_two(tmp_path: Path) -> None:
    for count in (1, 3, 200):
        one, other = (_site(tmp_path / f"{name}{count}", _files(count, name)) for name in ("a", "b"))
        assert one.is_another(other)
        assert other.is_another(one)


def test_a_partial_that_differs_beside_a_page_that_does_not_is_two_sites(tmp_path: Path) -> None:
    one, other = (_site(tmp_path / name, {"pages/p": "same", "partials/work": name}) for name in ("a", "b"))
    assert one.is_another(other)


def test_one_application_on_hosts_with_other_folders_is_one(tmp_path: Path) -> None:
    one, other = (_site(tmp_path / name, _files(200, "same"), app=name) for name in ("release1", "release2"))
    assert not one.is_another(other)
    assert one != other


def test_a_deployment_that_changes_much_of_an_application_is_one(tmp_path: Path) -> None:
    old = _site(tmp_path / "old", _files(100, "same"))
    new = _site(tmp_path / "new", {**_files(100, "same"), **_files(20, "changed"), **_files(20, "new", first=100)})
    assert not old.is_another(new)


def test_a_few_templates_that_all_changed_in_their_place_are_one(tmp_path: Path) -> None:
    old = _site(tmp_path, _files(3, "old"))
    assert not old.is_another(_site(tmp_path, _files(3, "new")))
    assert old.is_another(replace(_site(tmp_path, _files(3, "new")), folder="/elsewhere"))


def test_in_one_place_of_two_containers_many_templates_are_told_apart(tmp_path: Path) -> None:
    one = _site(tmp_path, _files(20, "old"))
    assert one.is_another(_site(tmp_path, _files(20, "new")))


def test_without_templates_functions_are_compared() -> None:
    def with_functions(app: str, *names: str) -> Application:
        return Application(app, functions=dict.fromkeys(sampled(names), ""))

    one = with_functions("a:engine", "a:f", "a:g")
    assert one.is_another(with_functions("b:engine", "b:f"))
    assert not one.is_another(with_functions("a:make", "a:f", "a:g", "a:h"))
    assert not one.is_another(with_functions("a:engine", "a:new"))


def test_functions_of_an_engine_are_told_but_not_those_of_the_library() -> None:
    engine = Engine(redis_url="redis://127.0.0.1:1", templates="nowhere")
    engine.background(digest_of)  # of liquid_background
    assert application_of(engine, engine.settings).functions == {}
    engine.background(_files)
    assert [*application_of(engine, engine.settings).functions] == [*sampled([f"{__name__}:_files"])]


def test_what_has_nothing_to_compare_is_no_evidence(tmp_path: Path) -> None:
    site = _site(tmp_path, _files(20))
    assert not site.is_another(Application(name="other", folder="/other"))
    assert not Application().is_another(site)
    assert not site.is_another(Application(functions=dict.fromkeys(sampled(["a:f"]), "")))


def test_a_large_site_is_sampled(tmp_path: Path) -> None:
    site = _site(tmp_path, {f"{folder}/p{n}": "x" for n in range(60) for folder in ("pages", "partials", "layouts")})
    assert len(site.templates) == 64
    assert len(site.encode()) < 2_000
    assert Application.decode(site.encode().encode()) == site


@pytest.mark.parametrize(
    "said",
    [None, b"", b"{}", b"[]", b"null", b"\xff", b"[" * 8000, b"x" * 9000, b'{"name":1,"folder":2,"templates":3}',
     b'{"name":"","folder":"","templates":{},"functions":[]}'],
)  # fmt: skip
def test_what_says_nothing_is_no_evidence(said: bytes | None) -> None:
    assert Application.decode(said) is None


def test_workers_tell_what_they_run(store: Store, settings: Settings) -> None:
    shop, blog = (Application("", f"/{name}", {digest_of("work"): digest_of(name)}) for name in ("shop", "blog"))

    def register(name: str, runs: str) -> None:
        worker = moves.Registration(name=name, pid=1, host="h", address="", queues=keys.QUEUES, runs=runs)
        scripts.run(store, *moves.register(worker, settings))

    register("old.1.0", "")
    register("shop.1.0", shop.encode())
    register("shop.1.1", shop.encode())
    assert list(sites_verdicts(store, None)) == []
    assert list(sites_verdicts(store, shop)) == []
    [said] = map(str, sites_verdicts(store, blog))
    assert "this one (/blog) and worker shop.1.0 (/shop)" in said
    assert list(sites_verdicts(replace(store, site="blog"), blog)) == []
    register("blog.1.0", blog.encode())
    assert "worker blog.1.0 (/blog) and worker shop.1.0 (/shop)" in str(*sites_verdicts(store, None))
