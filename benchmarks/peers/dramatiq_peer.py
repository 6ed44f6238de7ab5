"""Dramatiq on Redis, without the middleware that measures."""

import os

import dramatiq
from dramatiq.brokers.redis import RedisBroker

from peers import producer

dramatiq.set_broker(RedisBroker(url=os.environ["BENCH_URL"]))


@dramatiq.actor(actor_name="job", max_retries=0)
def job(kind, n, who, shop, items):
    producer.job(kind, n, who, shop, items)


if __name__ == "__main__":
    producer.main(job.send)
