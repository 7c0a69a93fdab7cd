"""Clocks on pages: the section about clocks of each trial's page, and ``reports/sync.html`` over the whole capture.

:mod:`viodat.report.clocks.values` and :mod:`viodat.report.clocks.views` are what the pages are told, in numbers and in
arrays; :mod:`viodat.report.clocks.from_estimate` makes both from an estimate. Everything else only shows them.
"""
