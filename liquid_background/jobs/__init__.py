"""A job's life: its record and moves in the store, the log, connections, values to JSON and back."""
