"""Every Liquid example of the platformOS pages does what its text says; the four broken ones fail with their line."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import Any

import pytest
from liquid.exceptions import LiquidSyntaxError

REFERENCE = Path(__file__).parents[3] / "shared" / "reference"
PAGES = ("api", "advanced", "patterns")

pytestmark = pytest.mark.skipif(not REFERENCE.is_dir(), reason="the reference pages are not beside the checkout")

DATA: dict[str, Any] = {
    "user": {"id": 11, "name": "Ada", "email": "ada@example.com", "created_at": "2024-01-15"},
    "order": {"id": 22, "customer_id": 33, "total": 44.5, "created_at": "2024-02-01"},
    "customer": {"id": 33},
    "entity": {"id": 55},
    "contact": {"id": 66, "data": {"city": "Turin"}},
    "data": {"id": 77},
    "account": {"id": 88},
    "month": 2,
    "year": 2024,
    "items": [{"id": 1}, {"id": 2}],
    "jobs": [{"id": 1, "critical": True}, {"id": 2, "critical": False}],
    "operation": {"id": 99},
    "webhook": {"event_type": "paid", "data": {"n": 1}, "timestamp": 123},
    "users_to_notify": [{"id": 1}, {"id": 2}, {"id": 3}],
    "my_collection": [1, 2],
    "job_config": {"deep": True},
    "message": "hello",
    "product": {"id": 5},
}
EVENTS = {"order.created": "order", "email.send_welcome": "welcome", "user.created": "user"}

# (page, number of the block in it) → for each job: source name, options, what its body prints
JOBS: dict[tuple[str, int], list[tuple[str, dict[str, Any], str]]] = {
    ("api", 1): [("*", {"delay": 0.0}, "...")],
    ("api", 2): [("*", {"priority": "default"}, "...")],
    ("api", 3): [("*", {"max_attempts": 1}, "...")],
    ("api", 4): [("my_job_name", {}, "...")],
    ("api", 5): [
        ("process_payment", {"delay": 2.5, "priority": "high", "max_attempts": 3}, "Processing payment for customer 33: $44.5")
    ],
    ("api", 6): [("email_job", {}, "emails/transactional user_id=11 email=ada@example.com")],
    ("api", 7): [("generate_invoice", {"max_attempts": 2}, "invoicing/create order_id=22 customer_id=33 amount=44.5 currency=USD")],
    ("api", 8): [("complex_workflow", {}, "workflows/multi-step entity_id=55 context=background_job")],
    ("api", 9): [("use_variables", {}, "User: Ada Joined: 2024-01-15")],
    ("api", 10): [("param_job", {}, "processor data=12 config={'deep': True}")],
    ("api", 11): [("api_call", {"max_attempts": 3}, "integrations/external-api endpoint=https://api.example.com")],
    ("api", 12): [("completed_job", {}, "Job execution completes successfully")],
    ("api", 13): [("async_task", {}, "This executes asynchronously")],
    ("advanced", 0): [("unreliable_api", {"max_attempts": 5}, "integrations/flaky-service endpoint=https://api.example.com")],
    ("advanced", 1): [
        ("payment_gateway", {"max_attempts": 5, "priority": "high"}, "payments/process-charge order_id=22"),
        ("send_email", {"max_attempts": 3, "priority": "default"}, "emails/transactional user_id=11"),
        ("analytics_log", {"max_attempts": 1, "priority": "low"}, "analytics/track-event event=page_view"),
    ],
    ("advanced", 2): [
        ("send_batch_email", {"delay": float(i)}, f"emails/bulk-notification user_id={i}") for i in (1, 2, 3)
    ],
    ("advanced", 3): [("scheduled_notification", {"delay": pytest.approx(30, abs=0.5)}, "notifications/send message=hello")],
    ("advanced", 4): [
        ("process_order", {"delay": 0.0}, "orders/process order_id=22"),
        ("send_confirmation", {"delay": 1.0}, "emails/order-confirmation order_id=22"),
        ("send_followup", {"delay": 1440.0}, "emails/order-followup order_id=22"),
    ],
    ("advanced", 5): [
        ("order_created_consumer", {}, "order order_id=22"),
        ("send_order_confirmation", {"delay": 5.0}, "emails/confirmation order_id=22"),
    ],
    ("advanced", 6): [
        ("order_created_consumer", {}, "order order_id=22"),
        ("send_email", {"priority": "default"}, "emails/order-notification order_id=22"),
        ("track_conversion", {"priority": "low"}, "analytics/log-conversion order_id=22"),
    ],
    ("advanced", 7): [("monitored_job", {}, "Processing...")],
    ("advanced", 8): [],
    ("advanced", 10): [
        ("critical_1", {"priority": "high"}, "processors/critical job_id=1"),
        ("standard_2", {"priority": "default"}, "processors/standard job_id=2"),
    ],
    ("advanced", 12): [("aggregated_batch", {"delay": 0.016}, "processors/batch-all-pending-items")],
    ("advanced", 13): [("idempotent_charge", {"max_attempts": 3}, "order_id=22 idempotency_key=22-2024-02-01")],
    ("advanced", 14): [
        ("safe_state_change", {}, "state-manager/update-if-needed entity_id=55 expected_state=pending new_state=processing")
    ],
    ("advanced", 15): [("operation_with_cleanup", {}, "operations/risky-operation operation_id=99 with_cleanup=true")],
    ("advanced", 17): [("test_email", {}, "emails/welcome user_id=123 email=user@example.com")],
    ("patterns", 0): [("send_welcome_email", {}, "emails/welcome user_id=11 email=ada@example.com name=Ada")],
    ("patterns", 1): [
        ("send_reminder", {"delay": 30.0}, "notifications/reminder user_id=11 message=Your session expires in 30 minutes")
    ],
    ("patterns", 2): [
        ("sync_to_crm", {"max_attempts": 3}, "integrations/crm-sync contact_id=66 action=create data={'city': 'Turin'}")
    ],
    ("patterns", 3): [("generate_pdf_report", {}, "reports/pdf-generator data_id=77 format=pdf include_charts=true")],
    ("patterns", 4): [
        ("monthly_report", {"delay": 1.0, "priority": "low"}, "reports/monthly-analytics account_id=88 period=monthly month=2 year=2024")
    ],
    ("patterns", 5): [
        ("process_item", {}, f"processors/item-processor item_id={i} item_data={{'id': {i}}}") for i in (1, 2)
    ],
    ("patterns", 6): [
        ("webhook_handler", {"max_attempts": 2}, "webhooks/process event_type=paid payload={'n': 1} timestamp=123")
    ],
    ("patterns", 7): [("send_email", {}, "emails/transactional user_id=11")],
    ("patterns", 8): [("user_created_consumer", {}, "user user_id=11")],
    ("patterns", 9): [("email_send_welcome_consumer", {}, "welcome resource_id=11")],
    ("patterns", 10): [
        ("order_created_consumer", {}, "order order_id=22"),
        ("send_confirmation_email", {"delay": 5.0}, "emails/order-confirmation order_id=22"),
    ],
    ("patterns", 11): [
        ("payment_processing", {"priority": "high", "max_attempts": 5}, "payments/process order_id=22"),
        ("send_email", {"priority": "default", "max_attempts": 2}, "emails/transactional user_id=11"),
        ("log_analytics", {"priority": "low", "max_attempts": 1}, "analytics/log-event event_type=user_visit"),
    ],
}  # fmt: skip

# The grammar sketch, the opener without an end, and two blocks that `endcomment` closes: the line that is to blame.
BROKEN = {("api", 0): 1, ("advanced", 9): 1, ("advanced", 11): 9, ("advanced", 16): 7}


def blocks(page: str) -> list[str]:
    path = REFERENCE / f"platformos-background-{page}.md"
    return re.findall(r"```liquid\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL) if path.exists() else []


def write_partials(site: Any, source: str) -> None:
    """Write each partial that an example names: it prints its own name and what it was given."""
    for name, rest in re.findall(r"include '([^']+)'([^%]*)%}", source):
        given = " ".join(
            f"{argument}={{{{ {argument} }}}}" for argument in re.findall(r"(\w+):", re.sub(r"'[^']*'", "", rest))
        )
        site.write({f"partials/{name}": f"{name} {given}"})
    for event, label in EVENTS.items():
        shown = " ".join(f"{key}={{{{ event.{key} }}}}" for key in re.findall(r"(\w+_id):", source)[:1])
        site.write({f"consumers/{event}/consumer": f"{label} {shown}"})


def test_no_example_is_left_out() -> None:
    numbered = {(page, number) for page in PAGES for number in range(len(blocks(page)))}
    assert numbered == JOBS.keys() | BROKEN.keys()


@pytest.mark.parametrize(("page", "number"), sorted(JOBS), ids=str)
def test_an_example_does_what_its_text_says(site: Any, page: str, number: int) -> None:
    source = blocks(page)[number]
    write_partials(site, source)
    in_half_an_hour = dt.datetime.now() + dt.timedelta(minutes=30)
    site.render(source, {**DATA, "scheduled_at": in_half_an_hour.strftime("%Y-%m-%d %H:%M:%S")})
    made = sorted(site.jobs, key=lambda job: (job.template.startswith("pages"), job.line, job.delay))
    expected = JOBS[page, number]
    assert len(made) == len(expected)
    for job, (source_name, options, printed) in zip(made, expected, strict=True):
        assert job.source_name == (f"pages_page_{job.line}" if source_name == "*" else source_name)
        assert {name: getattr(job, name) for name in options} == options
        outcome = site.perform(job)
        assert outcome.error is None, outcome.error
        assert printed in " ".join(outcome.result.split())


@pytest.mark.parametrize(("page", "number"), sorted(BROKEN), ids=str)
def test_a_broken_example_fails_with_its_line(site: Any, page: str, number: int) -> None:
    source = blocks(page)[number]
    with pytest.raises(LiquidSyntaxError) as raised:
        site.render(source, DATA)
    context = raised.value.context()
    assert context is not None
    assert context[0] == BROKEN[page, number]
    assert raised.value.template_name == "pages/page"


def test_the_job_that_logs(site: Any) -> None:
    site.render(blocks("advanced")[7])
    outcome = site.perform(site.job)
    assert re.fullmatch(r"Job completed in \d+ seconds", outcome.entries[0].message)


def test_the_page_answers_at_once(site: Any) -> None:
    assert (
        site.render(blocks("api")[13]).strip() == "Response sent to user immediately (doesn't wait for background job)"
    )
