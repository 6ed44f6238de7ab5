"""What jobs call: `liquid_background.django` imports this module when Django starts."""

from liquid_background.django import engine
from shop.models import Receipt


@engine().action
def write_receipt(order_id: int, text: str) -> int:
    """Write the receipt of an order. A job may run twice, so the second time changes nothing."""
    receipt, _ = Receipt.objects.get_or_create(order_id=order_id, defaults={"text": text})
    return receipt.pk
