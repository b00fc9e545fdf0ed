"""Prices, and the one quote that every channel charges."""

from duoline.pricing import announce
from duoline.pricing.errors import BadPrice, GiftsChanged, NotForSale, OfferGone, PriceOverlap, TotalChanged
from duoline.pricing.policy import DELIVERY_FEE, DeliveryFeePolicy
from duoline.pricing.prices import CHAIN, Price, chain_prices, end_price, price_of, set_price
from duoline.pricing.quote import PricedLine, Totals, add_up, delivery_fee
from duoline.pricing.shelf_prices import SHELF_PRICES_JSON, ShelfPrice, shelf_prices

__all__ = [
    "CHAIN",
    "DELIVERY_FEE",
    "SHELF_PRICES_JSON",
    "BadPrice",
    "DeliveryFeePolicy",
    "GiftsChanged",
    "NotForSale",
    "OfferGone",
    "Price",
    "PriceOverlap",
    "PricedLine",
    "ShelfPrice",
    "TotalChanged",
    "Totals",
    "add_up",
    "announce",
    "chain_prices",
    "delivery_fee",
    "end_price",
    "price_of",
    "set_price",
    "shelf_prices",
]
