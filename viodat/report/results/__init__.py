"""The report of a benchmark: one self-contained page, Markdown and JSON, from the values of ``results.json``.

Nothing here computes a score: what is shown was given. Lengths are mm, times s; None and NaN are missing and print as
an en dash. The same values give the same bytes.
"""

from viodat.report.results.markdown import results_markdown
from viodat.report.results.page import results_page
from viodat.report.results.written import write_results

__all__ = ["results_markdown", "results_page", "write_results"]
