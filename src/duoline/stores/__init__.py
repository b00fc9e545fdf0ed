"""The organisation: companies, regions, stores and warehouses, staff and what they may do."""
