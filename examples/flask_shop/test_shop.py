"""The shop's own test: no store and no worker, jobs run when the test says so."""

import pytest
from shop import Order, create_app, db


@pytest.fixture
def app(tmp_path):
    return create_app(SQLALCHEMY_DATABASE_URI=f"sqlite:///{tmp_path}/shop.db", TESTING=True)


def test_an_order_gets_its_receipt(app, background_jobs):
    jobs = background_jobs(app.extensions["liquid_background"].engine)
    answer = app.test_client().post("/orders", data={"item": "Tea", "quantity": "2"})
    assert "Thank you for ordering Tea." in answer.text
    assert [job.source_name for job in jobs.waiting] == ["receipt"]
    jobs.run_all()
    with app.app_context():
        assert db.session.get_one(Order, 1).receipt == "Receipt 1: 2 x Tea, see https://shop.example/"
    assert "https://shop.example/" in app.test_client().get("/").text


def test_an_order_that_is_rolled_back_gets_none(app, background_jobs):
    jobs = background_jobs(app.extensions["liquid_background"].engine)
    assert app.test_client().post("/orders", data={"item": "Tea", "quantity": "11"}).status_code == 409
    assert jobs.enqueued == []
