"""Fixtures of the catalogue's tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.catalog.goods import Goods, make_goods

if TYPE_CHECKING:
    from duoline.kernel.db import Tx


@pytest.fixture
async def goods(tx: Tx) -> Goods:
    """A small catalogue in the test's transaction."""
    return await make_goods(tx)
