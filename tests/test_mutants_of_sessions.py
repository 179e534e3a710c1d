"""The checks of what runs in sessions, and of the train step, tried with mutants and equivalent forms."""

import pytest
from verdicts import figures

from nst_utils.checks import comparing


@pytest.mark.parametrize(
    "exercise",
    ["layer_activations", "compute_style_cost", "build_train_step", "model_nn", "train_step"],
)
def test_mutants_are_named_and_equivalents_accepted(exercise, monkeypatch, record_property):
    # Outside of tests a diagnosis that fails says nothing; here it shows.
    monkeypatch.setattr(comparing, "diagnosed", lambda diagnose, *arguments: diagnose(*arguments))
    found = figures(exercise)
    found.record(record_property)
    found.assert_as_they_should_be()
