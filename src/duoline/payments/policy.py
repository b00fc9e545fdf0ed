"""Policies of money, as data with a version (see `kernel.policies`)."""

from __future__ import annotations

from typing import Annotated

import msgspec

from duoline.kernel.policies import Policy, whole


class TillPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """How drawers are counted: whoever counts `blind` learns what should be in it afterwards, and a difference of more
    than `drawer_difference_minor`, over or short, needs a word of explanation."""

    drawer_difference_minor: Annotated[
        int, whole(0, 100_000_000, zh="不需说明的差额(分)", en="Difference that needs no explanation (cents)")
    ] = 1_000
    blind: bool = True


TILL = Policy("till", TillPolicy, TillPolicy())
