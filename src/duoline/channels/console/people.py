"""Staff, their rights, policies, and the audit log."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import get, patch, post, put

from duoline import attribution
from duoline.channels.console import audit_names, staff_scope
from duoline.channels.http import cursors, doors, partners, sessions
from duoline.channels.http.answers import Answer, Cursor, Input, Limit, Page, Search
from duoline.channels.http.sessions import Staff
from duoline.channels.http.writes import Write
from duoline.kernel import policies
from duoline.kernel.db import Database, Tx
from duoline.kernel.errors import NotFound, ensure
from duoline.kernel.text import Text
from duoline.members import phones
from duoline.stores import access, grant, hire, passwords, queries, rights
from duoline.stores.directory import Chain
from duoline.stores.types import CHAIN_ID, Grant, Role, UnitKind

Reason = Annotated[str, msgspec.Meta(max_length=200, description="Why, for the audit log.")]
NeededReason = Annotated[str, msgspec.Meta(min_length=1, max_length=200, description="Why, for the audit log.")]
Password = Annotated[str, msgspec.Meta(min_length=1, max_length=passwords.LENGTH_MAX)]
PersonName = Annotated[str, msgspec.Meta(min_length=1, max_length=40)]


class GrantInput(Input, frozen=True):
    """A role in a unit, by its code; headquarters is for the chain and has none."""

    role: Literal["headquarters", "region", "store", "clerk", "franchisee"]
    unit_code: Annotated[str, msgspec.Meta(max_length=40)] | None = None


class GrantFacts(msgspec.Struct):
    """A role and the unit it is for."""

    role: str
    unit_kind: str
    unit_id: UUID
    unit_code: str | None
    unit_name: Text


class PersonFacts(msgspec.Struct):
    """Somebody on the staff. `locked_until` is set after too many wrong passwords."""

    id: UUID
    login: str
    name: str
    state: Literal["active", "left"]
    locked_until: datetime | None
    created_at: datetime
    phone_masked: str | None
    grants: list[GrantFacts]


class PersonInput(Input, frozen=True):
    """Somebody new. They change the password themselves after the first log-in."""

    login: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._@-]{1,39}$")]
    name: PersonName
    password: Password
    grants: Annotated[list[GrantInput], msgspec.Meta(min_length=1, max_length=50)]
    reason: Reason = ""


class Heir(Input, frozen=True, kw_only=True):
    """Who gets the members of a shop: a colleague there, or without one the shop itself."""

    store: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
    staff_id: UUID | None = None


class PersonEdit(Input, frozen=True):
    """What to change; a new password and leaving end every session of theirs."""

    name: PersonName | None = None
    state: Literal["active", "left"] | None = None
    password: Password | None = None
    phone: Annotated[str, msgspec.Meta(max_length=30)] | None = None
    """Their own mobile number, so that they are not their own guide; empty to remove it."""
    reason: Reason = ""
    heirs: Annotated[list[Heir], msgspec.Meta(max_length=50)] = msgspec.field(default_factory=list)
    """Who takes over their members when they leave; the policy says so of shops that are not named."""


class Held(msgspec.Struct, frozen=True):
    """How many members somebody holds in a shop."""

    store_code: str
    store_name: Text
    members: int


class GrantsInput(Input, frozen=True):
    """All rights somebody shall have."""

    grants: Annotated[list[GrantInput], msgspec.Meta(max_length=50)]
    reason: NeededReason


class PolicyVersion(msgspec.Struct):
    """A version of a policy; 0 is what holds until somebody decides otherwise."""

    kind: str
    version: int
    body: dict[str, Any]
    active_from: datetime
    in_force: bool
    pilot: bool


class PolicyFacts(msgspec.Struct):
    """A policy: what is in force, the shape of its body (JSON Schema), and every version."""

    kind: str
    current: PolicyVersion
    # `schema` is what the editor builds its form from.
    schema: dict[str, Any]
    versions: list[PolicyVersion]


class PolicyInput(Input, frozen=True):
    """A new version, in force from now or from a later instant."""

    body: dict[str, Any]
    reason: NeededReason
    active_from: datetime | None = None


class AuditLine(msgspec.Struct):
    """Who changed what, when and why, with before and after."""

    id: UUID
    at: datetime
    actor_kind: str
    actor_id: UUID
    actor_name: str
    action: str
    subject_kind: str
    subject: str
    subject_name: Text | None
    """What an id stands for, where the subject is one: an article, the name of a file, a member, a payee."""
    names: dict[str, Text]
    """What ids in `before` and `after` stand for, as far as known: staff, shops, members."""
    store_code: str | None
    reason: str
    before: Any
    after: Any


# --- staff ----------------------------------------------------------------------------------------


@get("/api/console/staff", opt=doors.staff("staff.read", store="store"))
async def list_people(
    db: Database,
    staff: Staff,
    chain: Chain,
    q: Search = "",
    store: str | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[PersonFacts]:
    """The staff whose rights are mine to give, by log-in; of one store with `store`."""
    at = None if store is None else staff.store(store, "staff.read").id
    found = [
        person
        for person in await queries.people(db, q=q)
        if staff_scope.reads_of(staff, person, chain)
        and (at is None or any(each.unit_id == at for each in person.grants))
    ]
    after = cursors.unpack(cursor, str)[0] if cursor else ""
    page = [person for person in found if person.login > after][: limit + 1]
    following = cursors.pack(page[limit - 1].login) if len(page) > limit else None
    return Page([_person(person, chain) for person in page[:limit]], following, len(found))


@post("/api/console/staff", opt=doors.staff("staff.edit", unit_code="unit"))
async def create_person(write: Write, staff: Staff, chain: Chain, data: PersonInput) -> Answer[PersonFacts]:
    """Add somebody with rights that are mine to give."""
    stored = await write.replay()
    if stored is not None:
        return stored
    wanted = [_grant(each, chain) for each in data.grants]
    passwords.check(data.password, login=data.login)
    password_hash = await passwords.hashed(data.password)

    async def work(tx: Tx) -> PersonFacts:
        staff_id = await hire.hire(
            tx,
            actor=staff.actor,
            giver=staff.grants,
            login=data.login,
            name=data.name.strip(),
            password_hash=password_hash,
            grants=wanted,
            reason=data.reason,
            chain=chain,
        )
        return await _one(tx, staff_id, chain)

    return await write.run(work, status=201)


@patch("/api/console/staff/{staff_id:uuid}", opt=doors.staff("staff.edit", staff_id="staff", store="store"))
async def change_person(
    write: Write, staff: Staff, chain: Chain, staff_id: UUID, data: PersonEdit
) -> Answer[PersonFacts]:
    """Rename somebody, note their phone, give them a new password, unlock them, let them leave or come back."""
    stored = await write.replay()
    if stored is not None:
        return stored
    password_hash = None
    phone = phones.normalise(data.phone) if data.phone else data.phone
    if data.password is not None:
        passwords.check(data.password, login="")
        password_hash = await passwords.hashed(data.password)

    heirs = {staff.store(each.store, "staff.edit").id: each.staff_id for each in data.heirs}

    async def work(tx: Tx) -> PersonFacts:
        record = await access.lock_overseen(tx, staff_id, chief=staff.grants, chain=chain)
        for shop, heir in heirs.items():
            if heir is not None:
                await _takes_over(tx, heir, shop, staff_id, chain)
        await hire.change(
            tx,
            actor=staff.actor,
            record=record,
            name=data.name,
            state=data.state,
            password_hash=password_hash,
            reason=data.reason,
            phone=phone,
            heirs=heirs,
        )
        return await _one(tx, staff_id, chain)

    answer = await write.run(work)
    sessions.forget(staff_id)
    return answer


async def _takes_over(tx: Tx, heir: UUID, shop: UUID, leaver: UUID, chain: Chain) -> None:
    """Refuses with 404 for who is no guide of that shop, and for the one who leaves."""
    try:
        await attribution.guide_at(tx, heir, shop, chain)
    except attribution.GuideGone as gone:
        raise NotFound(kind="staff") from gone
    if heir == leaver:
        raise NotFound(kind="staff")


@get("/api/console/staff/{staff_id:uuid}/members", opt=doors.staff("staff.edit", staff_id="staff"))
async def count_held(db: Database, staff: Staff, chain: Chain, staff_id: UUID) -> Page[Held]:
    """How many members somebody whom one manages holds, or one holds oneself: what is passed on when they leave."""
    async with db.begin() as tx:
        if staff_id != staff.actor.id:
            await access.lock_overseen(tx, staff_id, chief=staff.grants, chain=chain)
        rows = await tx.fetch(
            """SELECT store_id, count(*)::integer AS members FROM bindings
               WHERE guide_id = $1 AND until_at IS NULL GROUP BY 1 ORDER BY 2 DESC, 1""",
            staff_id,
        )
    shops = [(chain.stores[row["store_id"]], row["members"]) for row in rows if row["store_id"] in chain.stores]
    return Page([Held(shop.code, shop.name.filled, members) for shop, members in shops], None, len(shops))


@put("/api/console/staff/{staff_id:uuid}/grants", opt=doors.staff("staff.edit", staff_id="staff", unit_code="unit"))
async def replace_grants(
    write: Write, staff: Staff, chain: Chain, staff_id: UUID, data: GrantsInput
) -> Answer[PersonFacts]:
    """Say which rights somebody has."""
    wanted = [_grant(each, chain) for each in data.grants]

    async def work(tx: Tx) -> PersonFacts:
        await access.lock_overseen(tx, staff_id, chief=staff.grants, chain=chain)
        await grant.set_grants(
            tx,
            actor=staff.actor,
            giver=staff.grants,
            staff_id=staff_id,
            wanted=wanted,
            reason=data.reason,
            chain=chain,
        )
        return await _one(tx, staff_id, chain)

    answer = await write.run(work)
    sessions.forget(staff_id)
    return answer


# --- policies -------------------------------------------------------------------------------------


@get("/api/console/policies", opt=doors.staff("policies.read"))
async def list_policies() -> Page[PolicyFacts]:
    """Every policy with what is in force."""
    return Page([_policy(kind) for kind in sorted(policies.kinds)])


@put("/api/console/policies/{kind:str}", opt=doors.staff("policies.edit", kind=doors.SHARED))
async def set_policy(write: Write, db: Database, staff: Staff, kind: str, data: PolicyInput) -> Answer[PolicyVersion]:
    """Decide anew: a version with its reason, in force from now or from a later instant."""

    async def work(tx: Tx) -> PolicyVersion:
        made = await policies.set_version(
            tx, actor=staff.actor, kind=kind, body=data.body, reason=data.reason, active_from=data.active_from
        )
        return _version(made, in_force=data.active_from is None)

    return await write.run(work, after=lambda: policies.refresh(db))


# --- audit ----------------------------------------------------------------------------------------


@get(
    "/api/console/audit",
    opt=doors.staff("audit.read", store="store", subject=doors.SHARED, actor_id=doors.SHARED),
)
async def list_audit(
    db: Database,
    staff: Staff,
    chain: Chain,
    action: Annotated[str, msgspec.Meta(max_length=60)] = "",
    subject_kind: Annotated[str, msgspec.Meta(max_length=60)] = "",
    subject: Annotated[str, msgspec.Meta(max_length=80)] = "",
    actor_id: UUID | None = None,
    store: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[AuditLine]:
    """The audit log of the stores I reach, newest first; lines of the whole chain for headquarters only."""
    everything, store_ids = staff.scope("audit.read").sql
    if store is not None:
        everything, store_ids = False, [staff.store(store, "audit.read").id]
    before_at, before_id = cursors.unpack(cursor, datetime, UUID) if cursor else (None, None)
    rows = await db.fetch(
        "SELECT id, at, actor_kind, actor_id, actor_name, action, subject_kind, subject, store_id, reason, before,"
        " after FROM audit_log WHERE ($1 OR store_id = ANY($2)) AND ($3 = '' OR action LIKE $3 || '%')"
        " AND ($4 = '' OR subject_kind = $4) AND ($5 = '' OR subject = $5) AND ($6::uuid IS NULL OR actor_id = $6)"
        " AND ($7::timestamptz IS NULL OR at >= $7) AND ($8::timestamptz IS NULL OR at < $8)"
        " AND ($9::timestamptz IS NULL OR (at, id) < ($9, $10::uuid)) ORDER BY at DESC, id DESC LIMIT $11",
        everything,
        store_ids,
        action.replace("%", "").replace("_", r"\_"),
        subject_kind,
        subject,
        actor_id,
        since,
        until,
        before_at,
        before_id,
        limit + 1,
    )
    following = cursors.pack(rows[limit - 1]["at"], rows[limit - 1]["id"]) if len(rows) > limit else None
    partner = partners.of_a_partner(chain, staff)
    names = await audit_names.names_of(db, rows[:limit], chain, members=not partner)
    return Page([_line(row, chain, names) for row in rows[:limit]], following)


# --- shapes ---------------------------------------------------------------------------------------


async def _one(tx: Tx, staff_id: UUID, chain: Chain) -> PersonFacts:
    found = await queries.people(tx, staff_id=staff_id)
    ensure(found, "STAFF", "somebody who was just written")
    return _person(found[0], chain)


def _person(person: queries.Person, chain: Chain) -> PersonFacts:
    return PersonFacts(
        id=person.id,
        login=person.login,
        name=person.name,
        state="active" if person.state == "active" else "left",
        locked_until=person.locked_until,
        created_at=person.created_at,
        phone_masked=phones.masked(person.phone),
        grants=[_grant_facts(each, chain) for each in person.grants],
    )


def _grant_facts(given: Grant, chain: Chain) -> GrantFacts:
    units: dict[UnitKind, Any] = {
        UnitKind.REGION: chain.regions,
        UnitKind.COMPANY: chain.companies,
        UnitKind.STORE: chain.stores,
    }
    unit = units.get(given.unit_kind, {}).get(given.unit_id)
    name = Text("全部门店", "The whole chain") if unit is None else unit.name
    return GrantFacts(given.role.value, given.unit_kind.value, given.unit_id, None if unit is None else unit.code, name)


def _grant(given: GrantInput, chain: Chain) -> Grant:
    """The grant by the ids of its unit; a code that is none becomes an id that is none, refused by the verb."""
    role = Role(given.role)
    kind = rights.UNIT_OF_ROLE[role]
    if kind is UnitKind.CHAIN:
        return Grant(role, kind, CHAIN_ID)
    units: dict[UnitKind, Any] = {
        UnitKind.REGION: chain.region_by_code,
        UnitKind.COMPANY: chain.company_by_code,
        UnitKind.STORE: chain.by_code,
    }
    unit = units[kind].get(given.unit_code or "")
    return Grant(role, kind, UUID(int=1) if unit is None else unit.id)


def _policy(kind: str) -> PolicyFacts:
    current = policies.current(kind)
    schema, components = msgspec.json.schema_components([type(current.body)], ref_template="#/$defs/{name}")
    return PolicyFacts(
        kind=kind,
        current=_version(current, in_force=True),
        schema=schema[0] | {"$defs": components},
        versions=[_version(each, in_force=each.version == current.version) for each in policies.versions(kind)],
    )


def _version(given: policies.InForce[Any], *, in_force: bool) -> PolicyVersion:
    body: dict[str, Any] = msgspec.to_builtins(given.body)
    return PolicyVersion(given.kind, given.version, body, given.active_from, in_force, given.pilot is not None)


def _line(row: Any, chain: Chain, names: dict[str, Text]) -> AuditLine:
    store = chain.stores.get(row["store_id"]) if row["store_id"] is not None else None
    return AuditLine(
        id=row["id"],
        at=row["at"],
        actor_kind=row["actor_kind"],
        actor_id=row["actor_id"],
        actor_name=row["actor_name"],
        action=row["action"],
        subject_kind=row["subject_kind"],
        subject=row["subject"],
        subject_name=names.get(row["subject"]),
        names=audit_names.within(row, names),
        store_code=None if store is None else store.code,
        reason=row["reason"],
        before=row["before"],
        after=row["after"],
    )


ROUTES = [
    list_people,
    create_person,
    change_person,
    count_held,
    replace_grants,
    list_policies,
    set_policy,
    list_audit,
]
