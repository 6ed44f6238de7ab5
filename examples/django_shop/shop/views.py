"""The page: it lists orders, and takes one."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import render

from shop.models import Order


def orders(request: HttpRequest) -> HttpResponse:
    """Show the orders; a POST makes one. ATOMIC_REQUESTS makes one transaction of it, and its job goes on commit."""
    order = None
    if request.method == "POST":
        customer, tea = request.POST.get("customer"), request.POST.get("tea")
        if not customer or not tea:
            return HttpResponseBadRequest("an order has a customer and a tea")
        order = Order.objects.create(customer=customer, tea=tea)
        messages.success(request, f"Thank you, {order.customer}.")
    found = Order.objects.select_related("receipt").order_by("-id")
    return render(request, "orders.liquid", {"order": order, "orders": found})
