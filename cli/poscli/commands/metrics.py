"""`poscli metrics`: the metrics of a site's jobs, once or on a port."""

from __future__ import annotations

import signal
from contextlib import suppress

import click

from liquid_background.metrics import serve_metrics, written
from poscli.application import app_option, load_engine
from poscli.beside import METRICS
from poscli.terminal import hint


@click.command("metrics")
@click.option("--once", is_flag=True, help="Print them and end, as for a textfile collector.")
@click.option(
    "--port", metavar="N", type=click.IntRange(0, 65535), default=9394, show_default=True, help="0: a free one."
)
@click.option("--host", default="127.0.0.1", show_default=True, metavar="ADDRESS", help="Address to listen on.")
@click.option("--no-names", is_flag=True, help="Leave out source names: counts by queue and outcome only.")
@click.option(
    "--format",
    "style",
    type=click.Choice(["prometheus", "openmetrics"]),
    default="prometheus",
    show_default=True,
    help="Of --once; on a port whoever asks says which.",
)
@app_option
def command(once: bool, port: int, host: str, no_names: bool, style: str, app: str | None) -> None:
    """Serve metrics for Prometheus: attempts, times, queues, workers, the store. One scrape tells of all workers.

    Everything is read from the store when it is asked for, so run one for each site, wherever the store can be
    reached. Whoever reaches the port may read source names. See docs/metrics.md for what each metric says.

    \b
    Examples:
      poscli metrics
      poscli metrics --host 0.0.0.0 --port 9394
      poscli metrics --once > /var/lib/node_exporter/textfile/liquid_background.prom
    """
    engine = load_engine(app)
    if once:
        print(written(engine, names=not no_names, in_openmetrics=style == "openmetrics"), end="")
        return
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with suppress(KeyboardInterrupt):
        server, thread = serve_metrics(engine, host, port, names=not no_names)
        shown = f"[{host}]" if ":" in host else host
        print(f"{METRICS}http://{shown}:{server.server_port}/metrics", flush=True)
        hint("Ctrl-C ends it.")
        thread.join()
