"""Points: earned by what members keep, spent like money, and never lost between two accounts."""

from duoline.loyalty.account import Balance, balance_of, balance_of_group
from duoline.loyalty.earn import Earning, Part, earned_of, forfeit, give, set_earned, take_away, waits
from duoline.loyalty.errors import LotsOverdrawn, NotEnoughPoints, PointsNotTaken
from duoline.loyalty.policy import POINTS, PointsPolicy
from duoline.loyalty.spend import give_back, use

__all__ = [
    "POINTS",
    "Balance",
    "Earning",
    "LotsOverdrawn",
    "NotEnoughPoints",
    "Part",
    "PointsNotTaken",
    "PointsPolicy",
    "balance_of",
    "balance_of_group",
    "earned_of",
    "forfeit",
    "give",
    "give_back",
    "set_earned",
    "take_away",
    "use",
    "waits",
]
