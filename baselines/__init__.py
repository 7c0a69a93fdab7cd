"""One folder per published pose model: its code, its recipe, and what differs from the paper."""
