"""Real till lines through import and API: the Complete Journey data (MIT), never part of this repository."""
