"""Let other systems in by keys of their own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add one table; nothing that exists is touched."""
    # A migration that cannot get its lock at once gives up, instead of making every order wait behind it.
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.create_table(
        "system_keys",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("rights", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("purposes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("made_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("expires_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("used_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("revoked_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("revoked_by", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "cardinality(purposes) > 0 AND purposes <@ ARRAY['service', 'marketing', 'profiling', 'sharing']",
            name="system_keys_purposes_ck",
        ),
        sa.CheckConstraint(
            "cardinality(rights) > 0 AND rights <@ ARRAY['members.history']", name="system_keys_rights_ck"
        ),
        sa.CheckConstraint("name <> ''", name="system_keys_name_ck"),
        sa.CheckConstraint(
            "(revoked_at IS NULL) = (revoked_by IS NULL) AND revoked_at >= made_at", name="system_keys_revoked_ck"
        ),
        sa.CheckConstraint("expires_at > made_at", name="system_keys_expires_ck"),
        sa.PrimaryKeyConstraint("id", name="system_keys_pk"),
        sa.UniqueConstraint("token_hash", name="system_keys_token_uq"),
    )


def downgrade() -> None:
    """Undo the above. Keys of other systems end with their table."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.drop_table("system_keys")
