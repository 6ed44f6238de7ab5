"""Celery on Redis, results off, each job acknowledged when it is done."""

import os

from celery import Celery

from peers import producer

app = Celery("bench", broker=os.environ["BENCH_URL"])
app.conf.update(task_ignore_result=True, task_acks_late=True, worker_prefetch_multiplier=64)


@app.task(name="job")
def job(kind, n, who, shop, items):
    producer.job(kind, n, who, shop, items)


if __name__ == "__main__":
    producer.main(job.delay)
