"""Table of imports: what was asked for, how far it is, what came of it."""

from __future__ import annotations

from duoline.kernel.columns import at, check, doc, flag, index, integer, pk, text, uid
from duoline.kernel.placement import managed_local, table

PACKAGE = "imports"

# The uploaded file lies in DUOLINE_HOME/imports under the import's id.
import_jobs = table(
    PACKAGE,
    "import_jobs",
    managed_local(),
    uid("id"),
    text("kind"),
    text("filename"),
    doc("mapping", null=True),
    flag("dry_run"),
    flag("move_stock"),
    text("state", default="queued"),
    integer("rows_total", null=True),
    integer("rows_done", default="0"),
    integer("rows_changed", default="0"),
    integer("rows_same", default="0"),
    integer("rows_bad", default="0"),
    doc("problem", null=True),  # {zh, en}: why the file as a whole could not be imported
    text("actor_kind"),
    uid("actor_id"),
    text("actor_name"),
    at("created_at"),
    at("started_at", null=True),
    at("finished_at", null=True),
    pk("import_jobs", "id"),
    check("import_jobs_kind_ck", "kind IN ('stores', 'products', 'prices', 'stock', 'members', 'orders', 'signups')"),
    check("import_jobs_state_ck", "state IN ('queued', 'running', 'done', 'failed')"),
    check("import_jobs_rows_ck", "rows_changed + rows_same + rows_bad <= rows_done OR rows_done = 0"),
    index("import_jobs_created_ix", "created_at", "id"),
)
