"""The worker process: a supervisor and the children that render jobs."""
