"""Read what the orders of a pilot's regions and of its controls came to, day by day (see `fulfilment.pilot`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from duoline.fulfilment.pilot import Day, Sums, days_of

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import date, datetime

    from duoline.fulfilment.policy import SourcingPolicy
    from duoline.kernel.db import Database
    from duoline.kernel.policies import Pilot

# What an order's first decision came to; later ones followed a rejection, which is a figure of its own. Costs are those
# of the terms that hold elsewhere, whatever the pilot counts: parcels, kilometres, picks, and further parcels.
_DAYS = """
WITH first AS MATERIALIZED (
    SELECT DISTINCT ON (d.member_id, d.order_id) d.member_id, d.order_id, d.region_id, d.at, d.chosen, d.candidates
    FROM sourcing_decisions d
    WHERE d.region_id = ANY ($1 || $2::uuid[]) AND d.at >= $3 AND d.at < $4
    ORDER BY d.member_id, d.order_id, d.at, d.id
)
SELECT (f.at AT TIME ZONE $5)::date AS day, f.region_id = ANY ($1) AS pilot, count(*)::integer AS orders,
       sum(p.parcels * $6::bigint + round($7 * p.km) + p.shop_picks * $8::bigint + p.warehouse_picks * $9::bigint
           + greatest(p.parcels - 1, 0) * $10::bigint)::bigint AS cost_minor,
       sum(p.parcels)::integer AS parcels, round(sum(p.km))::integer AS km,
       count(*) FILTER (WHERE w.rejected)::integer AS rejected, count(*) FILTER (WHERE w.late)::integer AS late
FROM first f
JOIN orders o ON o.member_id = f.member_id AND o.id = f.order_id,
LATERAL (
    SELECT count(*) AS parcels,
           coalesce(sum((SELECT (n->>'distance_km')::float8 FROM jsonb_array_elements(f.candidates) n
                         WHERE n->>'location_code' = c->>'location_code' LIMIT 1)), 0) AS km,
           coalesce(sum(jsonb_array_length(c->'line_ids')) FILTER (WHERE c->>'location_code' <> ALL ($11::text[])), 0)
             AS shop_picks,
           coalesce(sum(jsonb_array_length(c->'line_ids')) FILTER (WHERE c->>'location_code' = ANY ($11::text[])), 0)
             AS warehouse_picks
    FROM jsonb_array_elements(f.chosen) c
) p,
LATERAL (
    SELECT coalesce(bool_or(j.state = 'rejected'), false) AS rejected,
           coalesce(bool_or(j.state NOT IN ('cancelled', 'rejected')
                            AND coalesce(j.done_at, $4) > j.promise_at), false) AS late
    FROM fulfilments j
    WHERE j.location_id = ANY (o.location_ids) AND j.order_id = o.id AND j.kind = 'ship'
) w
GROUP BY 1, 2
"""


async def read_days(
    db: Database,
    pilot: Pilot,
    *,
    since_at: datetime,
    until_at: datetime,
    terms: SourcingPolicy,
    warehouses: Collection[str],
    zone: str,
) -> list[Day]:
    """The days from `since_at` until before `until_at`, by the clock of `zone`; days without orders are left out.

    `terms` say what a parcel, a kilometre and a pick cost; `warehouses` are the codes of those locations.
    """
    rows = await db.fetch(
        _DAYS,
        sorted(pilot.regions),
        sorted(pilot.controls),
        since_at,
        until_at,
        zone,
        terms.parcel,
        float(terms.per_km),
        terms.pick_store,
        terms.pick_dc,
        terms.split,
        list(warehouses),
    )
    found: dict[date, tuple[Sums, Sums]] = {}
    for row in rows:
        pilot_sums, control_sums = found.get(row["day"], (Sums(), Sums()))
        sums = Sums(*(row[name] for name in Sums._fields))
        found[row["day"]] = (sums, control_sums) if row["pilot"] else (pilot_sums, sums)
    return days_of(found)
