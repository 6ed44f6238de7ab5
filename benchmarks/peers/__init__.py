"""The systems that ours is measured beside; each runs in the peers' venv."""
