"""Promotions: what takes money off a basket, chosen so that the buyer pays least and every share is exact."""

from duoline.pricing.promotions.basket import price_basket, price_each
from duoline.pricing.promotions.index import Live, compile_promotions
from duoline.pricing.promotions.rules import problems_of
from duoline.pricing.promotions.share import share

__all__ = ["Live", "compile_promotions", "price_basket", "price_each", "problems_of", "share"]
