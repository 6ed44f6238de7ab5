"""An application that holds sockets open when its worker forks: to and at the places that SOCKETS names."""

from __future__ import annotations

import json
import os
import socket

from liquid_background import Engine

engine = Engine()
engine.jobs.list()  # its own connection to the store
PLACES = json.loads(os.environ["SOCKETS"])
held = [socket.create_connection((host, port)) for host, port in PLACES.get("tcp", ())]
for path in PLACES.get("unix", ()):
    held.append(socket.socket(socket.AF_UNIX))
    held[-1].connect(path)
for path in PLACES.get("syslog", ()):
    held.append(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
    held[-1].connect(path)
for host, port in PLACES.get("udp", ()):
    held.append(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    held[-1].connect((host, port))
if "listen" in PLACES:
    held.append(socket.create_server(("127.0.0.1", PLACES["listen"])))
held.extend(socket.socketpair())
held.append(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))  # which has no peer


@engine.on_worker_start
def close() -> None:
    if PLACES.get("close"):
        for each in held:
            each.close()
