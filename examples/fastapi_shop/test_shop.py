"""The shop without a store and without a worker: jobs wait in the test until it runs them."""

import pytest
from fastapi.testclient import TestClient
from shop import app as shop
from shop.database import connect
from shop.site import engine
from sqlalchemy.pool import NullPool


@pytest.fixture
def jobs(background_jobs):
    return background_jobs(engine)


@pytest.fixture
def client(jobs, tmp_path, monkeypatch):
    url = f"sqlite+aiosqlite:///{tmp_path}/shop.db"
    monkeypatch.setattr(shop, "connect", lambda: connect(url, poolclass=NullPool))  # jobs run in a loop of their own
    with TestClient(shop.app) as client:
        yield client


def test_an_order_is_packed_and_has_a_receipt(client, jobs):
    answer = client.post("/orders", data={"tea": "Earl <Grey>", "grams": "100"})
    assert answer.status_code == 201
    assert answer.template.name == "thanks"
    assert sorted(job.source_name for job in jobs.waiting) == ["pack", "receipt"]

    jobs.run_all()
    assert "100 g of Earl &lt;Grey&gt;, packed. Earl &lt;Grey&gt;, 100 g: 8.00 EUR" in client.get("/").text


def test_an_order_that_is_refused_makes_no_jobs(client, jobs):
    assert client.post("/orders", data={"tea": "Assam", "grams": "-1"}).status_code == 422
    assert jobs.enqueued == []
    assert "No orders yet." in client.get("/").text
