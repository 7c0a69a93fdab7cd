"""Pictures and pages: one take sheet per trial, and the report that links them.

:mod:`viodat.report.take_sheet` draws a trial on one page, :mod:`viodat.report.index` writes
``reports/index.html`` and a page per trial, :mod:`viodat.report.clocks` what is said there of clocks and a page of
its own, :mod:`viodat.report.skeleton` draws a pose on a picture. They show plain values that others computed.
Nothing is imported here: matplotlib and jinja2 load with the module that needs them.
"""
