"""Python code of applications that several tests write to a file of their own."""

from __future__ import annotations

ENQUEUES = """

@engine.action
def later():
    pass


@engine.action
def outer():
    engine.enqueue("later")
"""
