"""The page and its job, without a store or a worker: `python manage.py test`."""

from django.test import TestCase

from liquid_background.django import engine
from liquid_background.testing import fake_jobs
from shop.models import Order, Receipt


class OrderTest(TestCase):
    """An order gets its receipt once the order is there to stay."""

    def test_an_order_gets_a_receipt(self) -> None:
        """The job is sent on commit, and writes."""
        with fake_jobs(engine()) as jobs:
            with self.captureOnCommitCallbacks(execute=True) as callbacks:
                answer = self.client.post("/", {"customer": "Ada & Bo", "tea": "Assam"})
            self.assertContains(answer, "Thank you, Ada &amp; Bo.")
            self.assertTemplateUsed(answer, "orders.liquid")
            self.assertEqual(len(callbacks), 1)
            [job] = jobs.run_all()
        self.assertEqual((job.status, job.error), ("completed", None))
        self.assertEqual(Receipt.objects.get().text, "Ada & Bo: one Assam")  # plain text

    def test_a_look_sends_nothing(self) -> None:
        """A page without an order makes no job."""
        Order.objects.create(customer="Bo", tea="Oolong")
        with fake_jobs(engine()) as jobs:
            self.assertContains(self.client.get("/"), "Oolong for Bo")
        self.assertEqual(jobs.enqueued, [])

    def test_half_an_order_is_refused(self) -> None:
        """A field that is missing is the sender's mistake."""
        self.assertEqual(self.client.post("/", {"customer": "Ada"}).status_code, 400)
        self.assertEqual(Order.objects.count(), 0)
