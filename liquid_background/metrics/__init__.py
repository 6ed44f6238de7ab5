"""Metrics of a site's jobs for Prometheus, read from the store: one scrape tells of all workers.

    app.mount("/metrics", metrics_app(engine))

or `REGISTRY.register(StoreCollector(engine))` beside an application's own. See docs/metrics.md.
"""

from liquid_background.extras import extra

with extra("metrics"):
    from liquid_background.metrics.applications import metrics_app, metrics_wsgi_app
    from liquid_background.metrics.collector import StoreCollector, registry_of
    from liquid_background.metrics.serving import serve_metrics, written

__all__ = ["StoreCollector", "metrics_app", "metrics_wsgi_app", "registry_of", "serve_metrics", "written"]
