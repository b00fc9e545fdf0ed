"""The console of headquarters, regions, franchisees and store managers."""
