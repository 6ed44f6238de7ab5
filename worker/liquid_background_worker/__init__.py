"""The worker process: a supervisor and the children that render jobs."""

from liquid_background_worker.start import load_app, run

__all__ = ["load_app", "run"]
