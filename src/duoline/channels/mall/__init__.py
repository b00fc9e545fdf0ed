"""The member's mall."""
