"""Members and guests: who they are, how they log in, where they live."""
