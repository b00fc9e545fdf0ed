"""Tables of the provider's ledger. Instants are milliseconds since 1970 (`_ms`), money minor units."""

from __future__ import annotations

SCHEMA = (
    # faults: JSON of the choice made for this payment; NULL follows the general choice.
    """CREATE TABLE payments (
        id INTEGER PRIMARY KEY,
        merchant_id TEXT NOT NULL,
        out_trade_no TEXT NOT NULL,
        provider_ref TEXT NOT NULL UNIQUE,
        amount_minor INTEGER NOT NULL CHECK (amount_minor > 0),
        refunded_minor INTEGER NOT NULL DEFAULT 0 CHECK (refunded_minor BETWEEN 0 AND amount_minor),
        currency TEXT NOT NULL,
        subject TEXT NOT NULL,
        notify_url TEXT NOT NULL,
        return_url TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('open', 'paid', 'closed')),
        faults TEXT,
        created_ms INTEGER NOT NULL,
        expires_ms INTEGER NOT NULL,
        paid_ms INTEGER,
        closed_ms INTEGER,
        UNIQUE (merchant_id, out_trade_no),
        CHECK ((state = 'paid') = (paid_ms IS NOT NULL)),
        CHECK (refunded_minor = 0 OR state = 'paid')
    ) STRICT""",
    "CREATE INDEX payments_expiry ON payments (expires_ms) WHERE state = 'open'",
    """CREATE TABLE refunds (
        id INTEGER PRIMARY KEY,
        payment_id INTEGER NOT NULL REFERENCES payments (id),
        merchant_id TEXT NOT NULL,
        out_refund_no TEXT NOT NULL,
        provider_ref TEXT NOT NULL UNIQUE,
        amount_minor INTEGER NOT NULL CHECK (amount_minor > 0),
        currency TEXT NOT NULL,
        reason TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('processing', 'done', 'failed')),
        outcome TEXT NOT NULL CHECK (outcome IN ('done', 'failed')),
        created_ms INTEGER NOT NULL,
        settles_ms INTEGER NOT NULL,
        settled_ms INTEGER,
        UNIQUE (merchant_id, out_refund_no),
        CHECK ((state = 'processing') = (settled_ms IS NULL))
    ) STRICT""",
    "CREATE INDEX refunds_open ON refunds (settles_ms) WHERE state = 'processing'",
    "CREATE INDEX refunds_payment ON refunds (payment_id)",
    # What moved, for the settlement file: a capture is positive, a refund negative; fees likewise.
    """CREATE TABLE entries (
        id INTEGER PRIMARY KEY,
        at_ms INTEGER NOT NULL,
        merchant_id TEXT NOT NULL,
        payment_id INTEGER NOT NULL REFERENCES payments (id),
        refund_id INTEGER UNIQUE REFERENCES refunds (id),
        kind TEXT NOT NULL CHECK (kind IN ('capture', 'refund')),
        amount_minor INTEGER NOT NULL,
        fee_minor INTEGER NOT NULL,
        CHECK ((kind = 'refund') = (refund_id IS NOT NULL)),
        CHECK ((kind = 'capture') = (amount_minor > 0))
    ) STRICT""",
    "CREATE UNIQUE INDEX entries_capture ON entries (payment_id) WHERE kind = 'capture'",
    "CREATE INDEX entries_day ON entries (merchant_id, at_ms)",
    # The queue. waiting: goes out at due_ms. delivered: answered 2xx. given_up: schedule exhausted.
    # lost: kept back on purpose. sent: a forgery; its answer is recorded and it is never repeated.
    # after_id: does not leave before that callback has been tried.
    # held: waits for the next callback of its payment to be written (out of order), until due_ms at most.
    """CREATE TABLE callbacks (
        id INTEGER PRIMARY KEY,
        payment_id INTEGER NOT NULL REFERENCES payments (id),
        event_id TEXT NOT NULL,
        kind TEXT NOT NULL,
        body TEXT NOT NULL,
        forgery TEXT,
        state TEXT NOT NULL CHECK (state IN ('waiting', 'delivered', 'given_up', 'lost', 'sent')),
        held INTEGER NOT NULL DEFAULT 0,
        after_id INTEGER,
        attempts INTEGER NOT NULL DEFAULT 0,
        created_ms INTEGER NOT NULL,
        due_ms INTEGER NOT NULL
    ) STRICT""",
    "CREATE INDEX callbacks_due ON callbacks (due_ms) WHERE state = 'waiting'",
    "CREATE INDEX callbacks_payment ON callbacks (payment_id)",
    "CREATE INDEX callbacks_event ON callbacks (event_id)",
    """CREATE TABLE attempts (
        callback_id INTEGER NOT NULL REFERENCES callbacks (id),
        n INTEGER NOT NULL,
        at_ms INTEGER NOT NULL,
        took_ms INTEGER NOT NULL,
        answer INTEGER,
        problem TEXT,
        PRIMARY KEY (callback_id, n)
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE nonces (
        merchant_id TEXT NOT NULL,
        nonce TEXT NOT NULL,
        at_ms INTEGER NOT NULL,
        PRIMARY KEY (merchant_id, nonce)
    ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX nonces_at ON nonces (at_ms)",
    """CREATE TABLE answer_faults (
        id INTEGER PRIMARY KEY,
        operation TEXT NOT NULL,
        how TEXT NOT NULL,
        seconds REAL NOT NULL,
        times_left INTEGER NOT NULL CHECK (times_left > 0)
    ) STRICT""",
    # The general choice of faults ('faults', JSON) and the time scale ('scale'), once set by control.
    "CREATE TABLE choices (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID",
)

# What version 2 adds: customers' wallets, whose codes a merchant scans. A code is shown for a minute and taken once;
# the payment that took it belongs to the wallet from then on, and so do its refunds.
WALLETS = (
    """CREATE TABLE wallets (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        balance_minor INTEGER NOT NULL CHECK (balance_minor >= 0),
        created_ms INTEGER NOT NULL
    ) STRICT""",
    """CREATE TABLE pay_codes (
        code TEXT PRIMARY KEY,
        wallet_id INTEGER NOT NULL REFERENCES wallets (id),
        created_ms INTEGER NOT NULL,
        expires_ms INTEGER NOT NULL,
        payment_id INTEGER UNIQUE REFERENCES payments (id)
    ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX pay_codes_wallet ON pay_codes (wallet_id, created_ms)",
    "ALTER TABLE payments ADD COLUMN wallet_id INTEGER REFERENCES wallets (id)",
)

# What version 3 adds: who paid. `account` is the name its owner chose, `payer` what this merchant hears instead. A
# payment made before, or by nobody yet, has no payer.
PAYERS = (
    """CREATE TABLE payers (
        merchant_id TEXT NOT NULL,
        account TEXT NOT NULL,
        payer TEXT NOT NULL UNIQUE,
        PRIMARY KEY (merchant_id, account)
    ) STRICT, WITHOUT ROWID""",
    "ALTER TABLE payments ADD COLUMN payer TEXT",
)

# What version 4 adds: money that goes from a merchant's balance to a wallet. problem: why it failed, empty else.
TRANSFERS = (
    """CREATE TABLE transfers (
        id INTEGER PRIMARY KEY,
        merchant_id TEXT NOT NULL,
        out_transfer_no TEXT NOT NULL,
        provider_ref TEXT NOT NULL UNIQUE,
        wallet_id INTEGER NOT NULL REFERENCES wallets (id),
        amount_minor INTEGER NOT NULL CHECK (amount_minor > 0),
        currency TEXT NOT NULL,
        note TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('processing', 'done', 'failed')),
        outcome TEXT NOT NULL CHECK (outcome IN ('done', 'failed')),
        problem TEXT NOT NULL DEFAULT '',
        created_ms INTEGER NOT NULL,
        settles_ms INTEGER NOT NULL,
        settled_ms INTEGER,
        UNIQUE (merchant_id, out_transfer_no),
        CHECK ((state = 'processing') = (settled_ms IS NULL)),
        CHECK ((state = 'failed') = (problem <> ''))
    ) STRICT""",
    "CREATE INDEX transfers_open ON transfers (settles_ms) WHERE state = 'processing'",
    "CREATE INDEX transfers_wallet ON transfers (wallet_id)",
    # What a merchant paid into its balance by itself.
    """CREATE TABLE merchant_top_ups (
        id INTEGER PRIMARY KEY,
        merchant_id TEXT NOT NULL,
        amount_minor INTEGER NOT NULL CHECK (amount_minor > 0),
        at_ms INTEGER NOT NULL
    ) STRICT""",
    # Numbers under which nothing was transferred, and never will be.
    """CREATE TABLE closed_transfers (
        merchant_id TEXT NOT NULL,
        out_transfer_no TEXT NOT NULL,
        provider_ref TEXT NOT NULL,
        at_ms INTEGER NOT NULL,
        PRIMARY KEY (merchant_id, out_transfer_no)
    ) STRICT, WITHOUT ROWID""",
)

# By version: what brings a ledger of the version before to it.
STEPS = (SCHEMA, WALLETS, PAYERS, TRANSFERS)
