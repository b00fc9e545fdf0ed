#!/usr/bin/env bash
# Writes migrations/versions/0001_*.py anew from the tables as declared. Only while no shop runs on it: once a
# revision has been applied anywhere it is never edited, and a change of tables is a new revision.
set -euo pipefail
cd "$(dirname "$0")/.."
.venv/bin/python scripts/regenerate_first_migration.py

.venv/bin/ruff format --quiet migrations
.venv/bin/ruff check --quiet --fix migrations
