"""The `poscli` program: starts, watches and looks after background jobs."""
