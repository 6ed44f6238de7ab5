"""Probes as a blueprint: `app.register_blueprint(probes_blueprint())` answers `/healthz` and `/readyz`."""

from __future__ import annotations

from flask import Blueprint, Response

from liquid_background.flask.installation import get_engine
from liquid_background.jobs.queue.bounds import Bounds
from liquid_background.probes import PATHS, ProbeAnswer, Probes


def probes_blueprint(*, bounds: Bounds | None = None) -> Blueprint:
    """Return the probes of an application's engine as a blueprint.

    Args:
        bounds: beyond which waiting, failures or too few workers make it unready; without them the store alone does.
    """
    blueprint = Blueprint("liquid_background_probes", __name__)
    probes = Probes(get_engine, bounds)
    for path in PATHS:
        blueprint.add_url_rule(f"/{path}", path, lambda path=path: _response(probes.answer(path)))
    return blueprint


def _response(answer: ProbeAnswer | None) -> Response:
    status, text = answer or ProbeAnswer(404, "no such probe\n")
    return Response(text, status, {"Cache-Control": "no-store"}, mimetype="text/plain")
