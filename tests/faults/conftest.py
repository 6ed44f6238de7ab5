"""The workers of tests/worker, on stores that fail."""

from __future__ import annotations

from tests.worker.conftest import Bench, bench

__all__ = ["Bench", "bench"]
