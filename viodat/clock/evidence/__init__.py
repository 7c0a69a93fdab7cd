"""Kinds of evidence for the clocks, one module each; :mod:`viodat.clock.evidence.registry` lists them."""
