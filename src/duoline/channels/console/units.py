"""What stores belong to: regions and companies."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal, TypeVar
from uuid import UUID

import msgspec
from litestar import get, patch, post

from duoline.channels.http import doors
from duoline.channels.http.answers import Answer, Input, Page
from duoline.channels.http.sessions import Staff
from duoline.channels.http.writes import Write
from duoline.kernel.db import Database, Tx
from duoline.kernel.errors import NotFound
from duoline.kernel.text import Text
from duoline.stores import directory
from duoline.stores.directory import Chain
from duoline.stores.open_store import change_region, open_company, open_region, rename_company
from duoline.stores.types import Company, Region

Code = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$", description="Never changes.")]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=80)]
Reason = Annotated[str, msgspec.Meta(max_length=200, description="Why, for the audit log.")]
Unit = TypeVar("Unit", Region, Company)


class NameInput(Input, frozen=True):
    """A name; without the English one the Chinese stands in for it."""

    zh: Name
    en: Annotated[str, msgspec.Meta(max_length=80)] = ""

    def text(self) -> Text:
        """The name as it is kept."""
        return in_both(self.zh, self.en)


class RegionFacts(msgspec.Struct):
    """A region, where it belongs, and how many stores are directly in it."""

    id: UUID
    code: str
    name: Text
    parent_code: str | None
    store_count: int


class RegionInput(Input, frozen=True):
    """A new region."""

    code: Code
    name: NameInput
    parent_code: Code | None = None
    reason: Reason = ""


class RegionEdit(Input, frozen=True):
    """Another name or place in the tree; `parent_code` null puts it at the top."""

    name: NameInput
    parent_code: Code | None
    reason: Reason = ""


class CompanyFacts(msgspec.Struct):
    """A legal entity that owns stores."""

    id: UUID
    code: str
    name: Text
    kind: Literal["headquarters", "franchisee"]
    store_count: int


class CompanyInput(Input, frozen=True):
    """A new company."""

    code: Code
    name: NameInput
    kind: Literal["headquarters", "franchisee"] = "franchisee"
    reason: Reason = ""


class CompanyEdit(Input, frozen=True):
    """Another name."""

    name: NameInput
    reason: Reason = ""


@get("/api/console/regions", opt=doors.staff("stores.read"))
async def list_regions(chain: Chain) -> Page[RegionFacts]:
    """The region tree, by code."""
    return Page([_region_facts(chain, region) for region in _by_code(chain.regions.values())])


@post("/api/console/regions", opt=doors.staff("organisation.edit", parent_code=doors.SHARED))
async def create_region(
    write: Write, db: Database, staff: Staff, chain: Chain, data: RegionInput
) -> Answer[RegionFacts]:
    """Add a region."""
    parent = None if data.parent_code is None else region_at(chain, data.parent_code).id

    async def work(tx: Tx) -> RegionFacts:
        region_id = await open_region(
            tx, actor=staff.actor, code=data.code, parent_id=parent, name=data.name.text(), reason=data.reason
        )
        after = await directory.read(tx)
        return _region_facts(after, after.regions[region_id])

    return await write.run(work, status=201, after=lambda: directory.refresh(db))


@patch(
    "/api/console/regions/{code:str}",
    opt=doors.staff("organisation.edit", code=doors.SHARED, parent_code=doors.SHARED),
)
async def edit_region(
    write: Write, db: Database, staff: Staff, chain: Chain, code: str, data: RegionEdit
) -> Answer[RegionFacts]:
    """Rename or move a region."""
    region = region_at(chain, code)
    parent = None if data.parent_code is None else region_at(chain, data.parent_code).id

    async def work(tx: Tx) -> RegionFacts:
        await change_region(
            tx, actor=staff.actor, region_id=region.id, parent_id=parent, name=data.name.text(), reason=data.reason
        )
        after = await directory.read(tx)
        return _region_facts(after, after.regions[region.id])

    return await write.run(work, after=lambda: directory.refresh(db))


@get("/api/console/companies", opt=doors.staff("stores.read"))
async def list_companies(chain: Chain) -> Page[CompanyFacts]:
    """Headquarters' own companies and franchisees, by code."""
    return Page([_company_facts(chain, company) for company in _by_code(chain.companies.values())])


@post("/api/console/companies", opt=doors.staff("organisation.edit"))
async def create_company(write: Write, db: Database, staff: Staff, data: CompanyInput) -> Answer[CompanyFacts]:
    """Add a company."""

    async def work(tx: Tx) -> CompanyFacts:
        company_id = await open_company(
            tx, actor=staff.actor, code=data.code, kind=data.kind, name=data.name.text(), reason=data.reason
        )
        after = await directory.read(tx)
        return _company_facts(after, after.companies[company_id])

    return await write.run(work, status=201, after=lambda: directory.refresh(db))


@patch("/api/console/companies/{code:str}", opt=doors.staff("organisation.edit", code=doors.SHARED))
async def edit_company(
    write: Write, db: Database, staff: Staff, chain: Chain, code: str, data: CompanyEdit
) -> Answer[CompanyFacts]:
    """Rename a company."""
    company = company_at(chain, code)

    async def work(tx: Tx) -> CompanyFacts:
        await rename_company(tx, actor=staff.actor, company_id=company.id, name=data.name.text(), reason=data.reason)
        after = await directory.read(tx)
        return _company_facts(after, after.companies[company.id])

    return await write.run(work, after=lambda: directory.refresh(db))


def _region_facts(chain: Chain, region: Region) -> RegionFacts:
    parent = None if region.parent_id is None else chain.regions[region.parent_id].code
    count = sum(store.region_id == region.id for store in chain.stores.values())
    return RegionFacts(region.id, region.code, region.name, parent, count)


def _company_facts(chain: Chain, company: Company) -> CompanyFacts:
    count = sum(store.company_id == company.id for store in chain.stores.values())
    kind: Literal["headquarters", "franchisee"] = "franchisee" if company.franchised else "headquarters"
    return CompanyFacts(company.id, company.code, company.name, kind, count)


def in_both(zh: str, en: str) -> Text:
    """Words as they are kept: without the English ones the Chinese stand in for them."""
    return Text(zh.strip(), en.strip() or zh.strip())


def _by_code(units: Iterable[Unit]) -> list[Unit]:
    return sorted(units, key=lambda unit: unit.code)


def region_at(chain: Chain, code: str) -> Region:
    """The region with that code. Raises `NotFound`."""
    region = chain.region_by_code.get(code)
    if region is None:
        raise NotFound(kind="region")
    return region


def company_at(chain: Chain, code: str) -> Company:
    """The company with that code. Raises `NotFound`."""
    company = chain.company_by_code.get(code)
    if company is None:
        raise NotFound(kind="company")
    return company


ROUTES = [list_regions, create_region, edit_region, list_companies, create_company, edit_company]
