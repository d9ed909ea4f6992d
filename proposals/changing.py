"""What changed of a contract since both sides signed it: its change orders, as staff read them."""

from django.db.models import Max, Q

ROWS = ("scope_items", "milestones", "price_lines", "claims")
FEW = 20


def orders_to(contract) -> list:
    """Return the change orders to a contract, the newest first: each with what it changes, and when it was approved."""
    orders = contract.change_orders.select_related("owner", "recipient").prefetch_related(*ROWS)
    orders = orders.annotate(approved_at=Max("approvals__decided_at", filter=Q(approvals__stage="approved")))
    found = list(orders.order_by("-pk")[:FEW])
    for order in found:
        # What is delivered and what it costs often have one name.
        order.changed = list(dict.fromkeys(str(row) for name in ROWS for row in getattr(order, name).all()))
    return found
