"""Prices with their time. A new price lies over the old ones of its SKU, scope, channel and tier."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any
from uuid import UUID

from duoline import pricing, settlement
from duoline.channels.imports import trace_prices
from duoline.channels.imports.stage import Tally, report_unknown, take_out_reported
from duoline.kernel.ids import new_id
from duoline.members.policy import TIERS
from duoline.pricing import CHAIN
from duoline.pricing.timeline import EVER, Span, change, laid_over, open_price
from duoline.stores import directory

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from duoline.channels.imports.stage import Session
    from duoline.kernel.db import Tx

CHUNK = 2000
GROUPED = True

Key = tuple[UUID, UUID, str, str]


async def arrange(session: Session) -> None:
    """Report what is unknown, then put the rows of each SKU, scope and channel together."""
    await report_unknown(session, "sku_code", "skus")
    for scope, table in (("region", "regions"), ("store", "stores")):
        await session.report_query(
            f"""SELECT r.line, r.scope_code AS value, '' AS named FROM import_rows r
                WHERE r.scope = '{scope}' AND NOT EXISTS (SELECT 1 FROM {table} t WHERE t.code = r.scope_code)""",  # noqa: S608
            column="scope_code",
            code="unknown",
        )
    await session.report_query(
        """SELECT r.line, r.tier AS value, '' AS named FROM import_rows r
           WHERE r.tier IS NOT NULL AND r.tier <> ALL ($1::text[])""",
        [tier.code for tier in TIERS.current().body.tiers],
        column="tier",
        code="unknown",
    )
    await _report_companys(session)
    await take_out_reported(session)
    await session.connection.execute(
        f"""CREATE TEMP TABLE import_arranged AS
            SELECT row_number() OVER (ORDER BY sku_id, scope_id, channel, tier, line) AS n,
                   dense_rank() OVER (ORDER BY sku_id, scope_id, channel, tier) AS g, x.*
            FROM (SELECT r.line, s.id AS sku_id, coalesce(r.scope, 'chain') AS scope,
                         CASE r.scope WHEN 'region' THEN g.id WHEN 'store' THEN p.id
                                      ELSE '{CHAIN}'::uuid END AS scope_id,
                         coalesce(r.channel, '*') AS channel, coalesce(r.tier, '') AS tier, r.price,
                         coalesce(r.currency, 'CNY') AS currency, r.valid_from, r.valid_to,
                         coalesce(r.reason, '') AS reason
                  FROM import_rows r JOIN skus s ON s.code = r.sku_code
                  LEFT JOIN regions g ON g.code = r.scope_code LEFT JOIN stores p ON p.code = r.scope_code) x
            ORDER BY n"""  # noqa: S608 - a constant
    )


async def _report_companys(session: Session) -> None:
    """Report rows of shops whose prices are their company's by contract when they begin: a file is the chain's."""
    chain = directory.current()
    asked = await session.connection.fetch(
        """SELECT DISTINCT scope_code, coalesce(valid_from, $1) AS since FROM import_rows
           WHERE scope = 'store' AND scope_code = ANY ($2)""",
        session.at,
        list(chain.by_code),
    )
    companys = [
        (row["scope_code"], row["since"])
        for row in asked
        if settlement.price_right(chain.by_code[row["scope_code"]].id, row["since"]).holder == "company"
    ]
    if companys:
        await session.report_query(
            """SELECT r.line, r.scope_code AS value, '' AS named FROM import_rows r
               JOIN unnest($1::text[], $2::timestamptz[]) c(code, since)
                 ON r.scope = 'store' AND r.scope_code = c.code AND coalesce(r.valid_from, $3) = c.since""",
            [code for code, _ in companys],
            [since for _, since in companys],
            session.at,
            column="scope_code",
            code="companys",
        )


async def load(session: Session, tx: Tx, first: int, last: int) -> Tally:
    """Lay the prices of rows `first` to `last` over those there are."""
    rows = await tx.fetch("SELECT * FROM import_arranged WHERE n BETWEEN $1 AND $2 ORDER BY n", first, last)
    lines = await _stored(tx, rows)
    remove: list[UUID] = []
    shorten: list[Span] = []
    add: list[tuple[Key, str, Span]] = []
    changed, told = 0, set[UUID]()
    for key, group in groupby(rows, key=_key):
        old = new = lines.get(key, [])
        members = list(group)
        for row in members:
            new = laid_over(new, _span(new, row, session.at))
        steps = change(old, new)
        if steps.remove or steps.shorten or steps.add:
            changed += len(members)
            told.add(key[0])
        remove += steps.remove
        shorten += steps.shorten
        add += [(key, members[0]["scope"], span) for span in steps.add]
    await _write(session, tx, remove, shorten, add)
    await pricing.announce.tell(tx, told)
    await pricing.announce.tell_later(tx, {at for _, _, span in add for at in (span.starts, _until(span))})
    return Tally(changed, len(rows) - changed)


def _key(row: Any) -> Key:
    return row["sku_id"], row["scope_id"], row["channel"], row["tier"]


def _span(line: list[Span], row: Any, at: datetime) -> Span:
    """The time of a row: from its beginning, or from now on if it names none."""
    price, currency, reason = row["price"], row["currency"], row["reason"]
    if row["valid_from"] is not None:
        return Span(row["valid_from"], row["valid_to"] or EVER, price, currency, reason)
    span = open_price(line, price, currency, reason, at)
    return span if row["valid_to"] is None else span._replace(ends=max(row["valid_to"], span.starts))


async def _stored(tx: Tx, rows: Sequence[Any]) -> dict[Key, list[Span]]:
    """The stored prices of every key that the rows name, in order of time. The rows are locked."""
    keys = sorted({_key(row) for row in rows})
    found = await tx.fetch(
        """SELECT p.id, p.sku_id, p.scope_id, p.channel, p.tier, p.price_minor, p.currency, p.reason,
                  lower(p.valid) AS starts, upper(p.valid) AS ends
           FROM prices p JOIN unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[]) k(sku_id, scope_id, channel, tier)
             ON p.sku_id = k.sku_id AND p.scope_id = k.scope_id AND p.channel = k.channel AND p.tier = k.tier
           ORDER BY p.sku_id, p.scope_id, p.channel, p.tier, lower(p.valid) FOR UPDATE OF p""",
        *map(list, zip(*keys, strict=True)),
    )
    lines: dict[Key, list[Span]] = {}
    for row in found:
        span = Span(row["starts"], row["ends"] or EVER, row["price_minor"], row["currency"], row["reason"], row["id"])
        lines.setdefault(_key(row), []).append(span)
    return lines


def _until(span: Span) -> datetime | None:
    return None if span.ends == EVER else span.ends


async def _write(
    session: Session, tx: Tx, remove: list[UUID], shorten: list[Span], add: list[tuple[Key, str, Span]]
) -> None:
    await trace_prices.ending(session, tx, remove, [(span.id, _until(span)) for span in shorten])
    if remove:
        await tx.execute("DELETE FROM prices WHERE id = ANY ($1)", remove)
    if shorten:
        await tx.execute(
            """UPDATE prices p SET valid = tstzrange(lower(p.valid), w.ends)
               FROM unnest($1::uuid[], $2::timestamptz[]) w(id, ends) WHERE p.id = w.id""",
            [span.id for span in shorten],
            [_until(span) for span in shorten],
        )
    if add:
        ids = [new_id() for _ in add]
        await tx.execute(
            """INSERT INTO prices (id, sku_id, scope, scope_id, channel, tier, price_minor, currency, valid, reason,
                                   actor_id, created_at)
               SELECT w.id, w.sku_id, w.scope, w.scope_id, w.channel, w.tier, w.price_minor, w.currency,
                      tstzrange(w.starts, w.ends), w.reason, $11, $12
               FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::uuid[], $5::text[], $6::bigint[], $7::text[],
                           $8::timestamptz[], $9::timestamptz[], $10::text[], $13::text[])
                    w(id, sku_id, scope, scope_id, channel, price_minor, currency, starts, ends, reason, tier)""",
            ids,
            [key[0] for key, _, _ in add],
            [scope for _, scope, _ in add],
            [key[1] for key, _, _ in add],
            [key[2] for key, _, _ in add],
            [span.price_minor for _, _, span in add],
            [span.currency for _, _, span in add],
            [span.starts for _, _, span in add],
            [_until(span) for _, _, span in add],
            [span.reason for _, _, span in add],
            session.actor.id,
            session.at,
            [key[3] for key, _, _ in add],
        )
        await trace_prices.beginning(session, tx, ids)
