"""Prices, and the one quote that every channel charges."""

from duoline.pricing import announce
from duoline.pricing.errors import (
    BadPrice,
    ChainsToSet,
    CompanysToSet,
    GiftsChanged,
    NotForSale,
    OfferGone,
    PriceOutsideLimits,
    PriceOverlap,
    TotalChanged,
)
from duoline.pricing.policy import DELIVERY_FEE, DeliveryFeePolicy
from duoline.pricing.prices import CHAIN, Price, chain_prices, end_price, limits_at, price_of, set_price
from duoline.pricing.quote import PricedLine, Totals, add_up, delivery_fee
from duoline.pricing.rights import CHAINS, Limits, PriceRight, Side
from duoline.pricing.shelf_prices import SHELF_PRICES_JSON, ShelfPrice, shelf_prices

__all__ = [
    "CHAIN",
    "CHAINS",
    "DELIVERY_FEE",
    "SHELF_PRICES_JSON",
    "BadPrice",
    "ChainsToSet",
    "CompanysToSet",
    "DeliveryFeePolicy",
    "GiftsChanged",
    "Limits",
    "NotForSale",
    "OfferGone",
    "Price",
    "PriceOutsideLimits",
    "PriceOverlap",
    "PriceRight",
    "PricedLine",
    "ShelfPrice",
    "Side",
    "TotalChanged",
    "Totals",
    "add_up",
    "announce",
    "chain_prices",
    "delivery_fee",
    "end_price",
    "limits_at",
    "price_of",
    "set_price",
    "shelf_prices",
]
