"""Orders, and the receipts that jobs write."""

from django.db import models


class Order(models.Model):
    """What somebody wants."""

    customer = models.CharField(max_length=100)
    tea = models.CharField(max_length=100)


class Receipt(models.Model):
    """One an order, however often its job runs."""

    order = models.OneToOneField(Order, on_delete=models.CASCADE)
    text = models.TextField()
