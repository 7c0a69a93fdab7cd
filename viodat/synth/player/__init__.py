"""Who plays: anatomy, and where the body, the violin and the bow are at any time."""
