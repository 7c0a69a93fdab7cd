"""Suites: which models, on which data, make which table."""
