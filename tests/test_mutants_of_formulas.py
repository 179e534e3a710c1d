"""The checks of formulas tried with mutants: none wrong accepted, nearly all named, hardly one misnamed."""

import pytest
from verdicts import figures

from nst_utils.checks import comparing, neighbours


@pytest.mark.parametrize(
    "exercise",
    [
        "gram_matrix",
        "total_cost",
        "compute_content_cost",
        "compute_layer_style_cost",
        "cosine_similarity",
        "nearest_spots",
        "compute_targets",
        "compute_match_cost",
    ],
)
def test_mutants_are_named_and_equivalents_accepted(exercise, monkeypatch, record_property):
    # Outside of tests a diagnosis that fails says nothing; here it shows.
    for module in (comparing, neighbours):
        monkeypatch.setattr(module, "diagnosed", lambda diagnose, *arguments: diagnose(*arguments))
    found = figures(exercise)
    found.record(record_property)
    found.assert_as_they_should_be()
