"""What every HTTP face shares: sessions, doors, writes, problems, live updates, pages, health. See README.md."""
