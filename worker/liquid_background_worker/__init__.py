"""The worker process: a supervisor and the children that render jobs."""

from liquid_background_worker.start import run

__all__ = ["run"]
