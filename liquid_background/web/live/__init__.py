"""Streams of events over ASGI: what changes on an open page, sent as it does."""

from liquid_background.web.live.streaming import OF_ONE, Streams

__all__ = ["OF_ONE", "Streams"]
