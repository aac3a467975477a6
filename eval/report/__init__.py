"""A comparison as one page that needs nothing else, with its records and figures as files beside it."""

from eval.report.write import require_packages, write_report

__all__ = ["require_packages", "write_report"]
