"""Carts and orders: what was bought, at what price, and how far it is. One model for every channel."""

from duoline.orders import timeline
from duoline.orders.advance import add_paid, add_refunded, advance, ensure_settled, note_location, progress
from duoline.orders.cart import Cart
from duoline.orders.errors import (
    AddressMissing,
    AlreadyPaid,
    BadOrderQuantity,
    CancelWhole,
    EmptyOrder,
    NoLongerUnpaid,
    NoOnlinePayment,
    NothingToCancel,
    PayOnline,
    PayOnlineToBring,
    ServedElsewhere,
    TooManyLines,
    TooManyOrders,
    TooManyUnpaid,
)
from duoline.orders.frozen import freeze, is_frozen, parcels_rejected, thaw
from duoline.orders.guest_limits import GuestLimit, limits_of_guest
from duoline.orders.keep_cart import adopt_cart, as_rows, read_cart
from duoline.orders.locks import Line, Order, lock_order
from duoline.orders.numbers import new_order_no
from duoline.orders.order_link import LASTS as LINK_LASTS
from duoline.orders.order_link import link_of, order_no_of
from duoline.orders.refundable import refundable
from duoline.orders.sale import write_sale
from duoline.orders.states import OrderState
from duoline.orders.types import LINES_MAX, QUANTITY_MAX, Address, Contact, Sold, Wanted

__all__ = [
    "LINES_MAX",
    "LINK_LASTS",
    "QUANTITY_MAX",
    "Address",
    "AddressMissing",
    "AlreadyPaid",
    "BadOrderQuantity",
    "CancelWhole",
    "Cart",
    "Contact",
    "EmptyOrder",
    "GuestLimit",
    "Line",
    "NoLongerUnpaid",
    "NoOnlinePayment",
    "NothingToCancel",
    "Order",
    "OrderState",
    "PayOnline",
    "PayOnlineToBring",
    "ServedElsewhere",
    "Sold",
    "TooManyLines",
    "TooManyOrders",
    "TooManyUnpaid",
    "Wanted",
    "add_paid",
    "add_refunded",
    "adopt_cart",
    "advance",
    "as_rows",
    "ensure_settled",
    "freeze",
    "is_frozen",
    "limits_of_guest",
    "link_of",
    "lock_order",
    "new_order_no",
    "note_location",
    "order_no_of",
    "parcels_rejected",
    "progress",
    "read_cart",
    "refundable",
    "thaw",
    "timeline",
    "write_sale",
]
