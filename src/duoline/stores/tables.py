"""Tables of the organisation: companies, regions, stores and warehouses, staff and their rights."""

from __future__ import annotations

from duoline.kernel.columns import (
    at,
    big,
    blob,
    check,
    doc,
    fk,
    flag,
    index,
    integer,
    on,
    pk,
    real,
    text,
    texts,
    uid,
    unique,
)
from duoline.kernel.placement import managed_local, reference, table

PACKAGE = "stores"

companies = table(
    PACKAGE,
    "companies",
    reference(),
    uid("id"),
    text("code"),
    text("name_zh"),
    text("name_en"),
    text("kind"),
    pk("companies", "id"),
    unique("companies_code_uq", "code"),
    check("companies_kind_ck", "kind IN ('headquarters', 'franchisee')"),
)

regions = table(
    PACKAGE,
    "regions",
    reference(),
    uid("id"),
    text("code"),
    uid("parent_id", null=True),
    text("name_zh"),
    text("name_en"),
    pk("regions", "id"),
    unique("regions_code_uq", "code"),
    fk("regions_parent_fk", ["parent_id"], "regions", ["id"]),
    check("regions_parent_ck", "parent_id <> id"),
)

# hours: seven lists, Monday first, of ["09:00", "21:00"] spans in the store's own zone.
stores = table(
    PACKAGE,
    "stores",
    reference(),
    uid("id"),
    text("code"),
    text("kind"),
    uid("company_id"),
    uid("region_id"),
    text("name_zh"),
    text("name_en"),
    text("address_zh"),
    text("address_en"),
    text("province"),
    text("city"),
    text("phone"),
    real("lat"),
    real("lon"),
    text("timezone", default="Asia/Shanghai"),
    doc("hours"),
    flag("pickup"),
    flag("ship"),
    flag("returns"),
    # What the owner lets leave for other channels, and what a unit of it costs them.
    text("share_kind", default="all"),
    integer("share_units", default="0"),
    big("share_fee_minor", default="0"),
    integer("pick_capacity_hour"),
    integer("pickup_lead_min"),
    text("state", default="open"),
    on("opened_on", null=True),
    integer("version", default="1"),
    at("updated_at"),
    pk("stores", "id"),
    unique("stores_code_uq", "code"),
    fk("stores_company_fk", ["company_id"], "companies", ["id"]),
    fk("stores_region_fk", ["region_id"], "regions", ["id"]),
    check("stores_kind_ck", "kind IN ('store', 'dc')"),
    check("stores_state_ck", "state IN ('draft', 'open', 'closed')"),
    check("stores_place_ck", "lat BETWEEN -90 AND 90 AND lon BETWEEN -180 AND 180"),
    check("stores_numbers_ck", "pick_capacity_hour > 0 AND pickup_lead_min BETWEEN 0 AND 10080"),
    check(
        "stores_share_ck",
        "share_kind IN ('all', 'none', 'up_to', 'all_but') AND share_units >= 0 AND share_fee_minor >= 0",
    ),
    check("stores_hours_ck", "jsonb_array_length(hours) = 7"),
    index("stores_region_ix", "region_id"),
)

store_hour_exceptions = table(
    PACKAGE,
    "store_hour_exceptions",
    reference(),
    uid("store_id"),
    on("on_date"),
    doc("spans"),
    text("reason_zh", default=""),
    text("reason_en", default=""),
    pk("store_hour_exceptions", "store_id", "on_date"),
    fk("store_hour_exceptions_store_fk", ["store_id"], "stores", ["id"]),
)

staff = table(
    PACKAGE,
    "staff",
    managed_local(),
    uid("id"),
    text("login"),
    text("name"),
    text("password_hash"),
    # In E.164 form: a guide cannot be bound to the member account of their own number.
    text("phone", null=True),
    text("state", default="active"),
    integer("failed_count", default="0"),
    at("locked_until", null=True),
    at("created_at"),
    at("updated_at"),
    pk("staff", "id"),
    unique("staff_login_uq", "login"),
    check("staff_state_ck", "state IN ('active', 'left')"),
)

# unit_id is the store, region or company; the chain as a whole is the nil UUID.
staff_grants = table(
    PACKAGE,
    "staff_grants",
    managed_local(),
    uid("staff_id"),
    text("role"),
    text("unit_kind"),
    uid("unit_id"),
    at("created_at"),
    pk("staff_grants", "staff_id", "role", "unit_kind", "unit_id"),
    fk("staff_grants_staff_fk", ["staff_id"], "staff", ["id"]),
    check("staff_grants_role_ck", "role IN ('headquarters', 'region', 'store', 'clerk', 'franchisee')"),
    check(
        "staff_grants_unit_ck",
        "(role = 'headquarters' AND unit_kind = 'chain') OR (role = 'region' AND unit_kind = 'region') "
        "OR (role IN ('store', 'clerk') AND unit_kind = 'store') "
        "OR (role = 'franchisee' AND unit_kind = 'company')",
    ),
)

staff_sessions = table(
    PACKAGE,
    "staff_sessions",
    managed_local(),
    blob("token_hash"),
    uid("staff_id"),
    at("created_at"),
    at("expires_at"),
    pk("staff_sessions", "token_hash"),
    fk("staff_sessions_staff_fk", ["staff_id"], "staff", ["id"]),
    index("staff_sessions_staff_ix", "staff_id"),
)

# A key that another system calls us with, for the whole chain: what it may ask for (`rights`) and for which purposes.
# Only the digest of the token is kept. `revoked_at` ends it at once.
system_keys = table(
    PACKAGE,
    "system_keys",
    managed_local(),
    uid("id"),
    text("name"),
    blob("token_hash"),
    texts("rights"),
    texts("purposes"),
    text("made_by"),
    at("made_at"),
    at("expires_at", null=True),
    # To the minute: a busy key is not written at every call.
    at("used_at", null=True),
    at("revoked_at", null=True),
    text("revoked_by", null=True),
    pk("system_keys", "id"),
    unique("system_keys_token_uq", "token_hash"),
    check("system_keys_name_ck", "name <> ''"),
    check("system_keys_rights_ck", "cardinality(rights) > 0 AND rights <@ ARRAY['members.history']"),
    check(
        "system_keys_purposes_ck",
        "cardinality(purposes) > 0 AND purposes <@ ARRAY['service', 'marketing', 'profiling', 'sharing']",
    ),
    check("system_keys_revoked_ck", "(revoked_at IS NULL) = (revoked_by IS NULL) AND revoked_at >= made_at"),
    check("system_keys_expires_ck", "expires_at > made_at"),
)
