"""Grading a class: submissions in places of their own, verdicts outside of them, and what to look at by hand."""
