"""Streams of events over ASGI: what changes on an open page, sent as it does."""

from liquid_background.web.live.streaming import Streams

__all__ = ["Streams"]
