"""An application whose jobs write to the database, and say by which process and connection."""
