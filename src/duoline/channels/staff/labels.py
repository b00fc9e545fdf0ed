"""Labels to print for a shop, on shelves and on products: the same from the phone and from the console."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from litestar import get
from litestar.params import Parameter

from duoline.channels.http import doors
from duoline.channels.http.answers import Answer
from duoline.channels.http.label import Sheet
from duoline.channels.http.labels import LABELS_MAX, print_labels
from duoline.channels.http.sessions import Staff
from duoline.kernel.config import Settings
from duoline.kernel.db import Database
from duoline.stores.directory import Chain


@get(
    "/api/staff/labels.pdf",
    media_type="application/pdf",
    opt=doors.staff("stock.read", store="store", sku=doors.SHARED),
)
async def print_shop_labels(
    db: Database,
    settings: Settings,
    staff: Staff,
    chain: Chain,
    store: Annotated[str, Parameter(max_length=40)],
    sheet: Sheet = "shelf",
    sku: Annotated[list[UUID] | None, Parameter(max_items=LABELS_MAX)] = None,
    shelf: Annotated[str | None, Parameter(max_length=40)] = None,
    after: Annotated[str, Parameter(max_length=60, description="The SKU code that the sheets before ended with.")] = "",
) -> Answer[Any]:
    """A PDF of labels: of some SKUs, of a shelf, or of all that is on hand at the shop, at most 480."""
    return await print_labels(
        db,
        chain,
        staff.store(store, "stock.read"),
        sheet=sheet,
        sku_ids=sku or [],
        shelf=shelf,
        after=after,
        base=settings.public_url,
        actor=staff.actor,
    )


ROUTES = [print_shop_labels]
