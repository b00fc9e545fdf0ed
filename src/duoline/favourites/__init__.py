"""Favourites, and units kept for who found them in a shop: whose they are, and why. The holds are stock's."""

from duoline.favourites.errors import TooManyKept
from duoline.favourites.favourite import forget_favourite, mark_favourite
from duoline.favourites.kept import (
    KEPT_JSON,
    REF_KIND,
    KeptUnit,
    Use,
    Wished,
    kept_anywhere,
    kept_of,
    mark_used,
    use_kept,
)
from duoline.favourites.keys import Keeper, keeper_of
from duoline.favourites.limits import check_limits, lock_keys
from duoline.favourites.minutes import Taught, minutes_for, taught_minutes
from duoline.favourites.policy import FAVOURITE_HOLD, FavouriteHoldPolicy
from duoline.favourites.refused import Short, note_refused
from duoline.favourites.tuning import EndedHold, best_minutes

__all__ = [
    "FAVOURITE_HOLD",
    "KEPT_JSON",
    "REF_KIND",
    "EndedHold",
    "FavouriteHoldPolicy",
    "Keeper",
    "KeptUnit",
    "Short",
    "Taught",
    "TooManyKept",
    "Use",
    "Wished",
    "best_minutes",
    "check_limits",
    "forget_favourite",
    "keeper_of",
    "kept_anywhere",
    "kept_of",
    "lock_keys",
    "mark_favourite",
    "mark_used",
    "minutes_for",
    "note_refused",
    "taught_minutes",
    "use_kept",
]
