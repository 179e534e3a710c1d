"""The course: its helper's five names, what its notebooks draw, and the grading."""
