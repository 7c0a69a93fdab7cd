"""The dataset on disk: its schema, its tables, its splits, and the ways to read it."""
