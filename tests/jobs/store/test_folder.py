"""A folder that the embedded store cannot write to, or not for long."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from liquid_background.jobs.store import embedded
from liquid_background.jobs.store.folder import folder_verdicts
from liquid_background.jobs.store.verdict import Severity
from tests.cli.conftest import data_dir, project

__all__ = ["data_dir", "project"]

pytestmark = pytest.mark.usefixtures("store_dir")

NOBODY = 65_534


@pytest.fixture
def small_disk(store_dir: Path) -> Iterator[Path]:
    mount = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m,mode=700", "tmpfs", str(store_dir)], check=False)
    if mount.returncode:
        pytest.skip("may not mount a small file system")
    yield store_dir
    embedded.stop(store_dir)
    subprocess.run(["umount", "-l", str(store_dir)], check=True)


def _as_nobody(look: Callable[[], None]) -> None:
    pid = os.fork()
    if pid == 0:
        try:
            os.setuid(NOBODY)
            look()
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitpid(pid, 0)[1] == 0


def test_a_usual_folder_is_well_and_so_is_one_that_is_to_be_made(store_dir: Path) -> None:
    assert folder_verdicts(store_dir) == []
    assert folder_verdicts(store_dir / "new" / "one") == []
    assert not (store_dir / "new").exists()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give files away")
def test_a_folder_that_may_not_be_written_to_is_wrong(store_dir: Path) -> None:
    os.chown(store_dir, NOBODY, NOBODY)
    store_dir.chmod(0o500)

    def look() -> None:
        for folder in (store_dir, store_dir / "new"):
            (verdict,) = folder_verdicts(folder)
            assert (verdict.name, verdict.severity) == ("folder", Severity.WRONG)
            assert f"cannot write to the store's folder {folder}" in verdict.found
            assert "LIQUID_BACKGROUND_DATA_DIR" in verdict.remedy

    try:
        _as_nobody(look)
    finally:
        os.chown(store_dir, 0, 0)
        store_dir.chmod(0o700)


def test_a_disk_with_little_left_is_a_warning_and_a_full_one_wrong(small_disk: Path) -> None:
    (verdict,) = folder_verdicts(small_disk)
    assert (verdict.severity, verdict.remedy.startswith("free some space")) == (Severity.WARNING, True)
    assert verdict.found.endswith("has only 4 MB left")
    _fill(small_disk)
    (verdict,) = folder_verdicts(small_disk)
    assert (verdict.severity, verdict.found.endswith("is full")) == (Severity.WRONG, True)


def test_a_disk_that_fills_under_a_store_is_told_by_doctor_and_health(
    small_disk: Path, project: Any, wait_until: Any
) -> None:
    project.page("p", "{% background source_name: 'a' %}{% endbackground %}")
    project.good("render", "p")
    _fill(small_disk)
    wait_until(lambda: project.run("render", "p").code == 1)
    health = project.run("health", "--min-workers", "0")
    assert health.code == 1
    doctor = project.run("doctor")
    assert doctor.code == 1
    for said in (health.out, doctor.out):
        assert "is full" in said
        assert "free some space" in said
    for part in ("cannot save to its disk and refuses writes", "the last write to its append-only file failed"):
        assert part in health.out


def _fill(folder: Path) -> None:
    with (folder / "filling").open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4096)
        except OSError:
            return
