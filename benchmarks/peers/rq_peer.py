"""RQ, with its JSON serializer as ours has to use."""

import os

from redis import Redis
from rq import Queue
from rq.serializers import JSONSerializer

from peers.producer import main

queue = Queue("default", connection=Redis.from_url(os.environ["BENCH_URL"]), serializer=JSONSerializer)

if __name__ == "__main__":
    main(lambda *args: queue.enqueue("peers.producer.job", *args))
