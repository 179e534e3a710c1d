"""What the checks say of the mutants and the equivalent forms of an exercise, counted."""

import collections
import itertools
import json
import os
import re
from dataclasses import dataclass, field
from unittest import mock

import effects
import mutants
import mutants_of_neighbours

from nst_utils import checks

# The exercises of notebook 9, whose operators are their own.
mutants.HEADERS |= mutants_of_neighbours.HEADERS
mutants.FORMS |= mutants_of_neighbours.FORMS
mutants.ABOVE |= mutants_of_neighbours.ABOVE
# Of the mutants that change the result or the effect; none may be accepted.
NAMED, MISNAMED = 0.90, 0.01
# One in so many is tried; all of them by `python tests --mutants`.
SHARE = int(os.environ.get("NST_MUTANTS_SHARE", 4))
# Seconds of computing for a check. Here it is the judgement that is tried, on whatever machine, not the clock.
PATIENCE = 40.0


@dataclass
class Figures:
    """How many of an exercise's answers were judged how, and those that were not judged as they should be."""

    exercise: str
    mutants: collections.Counter = field(default_factory=collections.Counter)
    equivalents: collections.Counter = field(default_factory=collections.Counter)
    rest: list = field(default_factory=list)

    def __str__(self):
        total, told = self.mutants.total(), self.mutants
        return (
            f"{self.exercise}: {total} mutants, {told['named']} named ({told['named'] / total:.1%}), "
            f"{told['general']} general, {told['misnamed']} misnamed ({told['misnamed'] / total:.1%}), "
            f"{told['accepted']} accepted; {self.equivalents.total()} equivalents, "
            f"{self.equivalents['accepted']} accepted"
        )

    def record(self, record_property):
        """Let the test's report have these figures, in words and as plain data."""
        record_property("figures", "\n".join([str(self), *self.rest]))
        row = {"exercise": self.exercise, "mutants": self.mutants.total()}
        row |= {said: self.mutants[said] for said in ("named", "general", "misnamed", "accepted")}
        row |= {"equivalents": self.equivalents.total(), "equivalents accepted": self.equivalents["accepted"]}
        record_property("row", json.dumps(row))

    def assert_as_they_should_be(self):
        total = self.mutants.total()
        assert self.mutants["accepted"] == 0, self.rest
        assert self.equivalents["accepted"] == self.equivalents.total(), self.rest
        assert self.mutants["named"] >= NAMED * total, self.rest
        # What is drawn for the checks differs from run to run, and with it which of the few are misnamed.
        assert self.mutants["misnamed"] <= max(2, MISNAMED * total), self.rest


def figures(exercise):
    """The Figures of all variants of an exercise. What changes nothing counts as an equivalent, whatever made it."""
    found = Figures(exercise)
    original = {
        form: effects.effect(exercise, mutants.source(exercise, body, mutants.ABOVE.get(exercise, "")))
        for form, body in mutants.FORMS[exercise].items()
    }
    assert "failed" not in original.values(), original
    kinds = mutants_of_neighbours if exercise in mutants_of_neighbours.FORMS else mutants
    for operators, wrong in ((kinds.MISTAKES, True), (kinds.EQUIVALENTS, False)):
        for variant in itertools.islice(mutants.variants(exercise, operators), 0, None, SHARE):
            done = effects.effect(exercise, variant.source)
            changes = variant.luck or not effects.same(original[variant.form], done)
            if changes and not wrong:
                continue  # meant to be equivalent, but TensorFlow does not take it, such as a mix of types
            said, message = verdict(variant)
            (found.mutants if changes else found.equivalents)[said] += 1
            if said != ("named" if changes else "accepted"):
                kind = f"mutant {said}" if changes else "equivalent refused"
                found.rest.append(f"{kind}: {variant}\n    {message}")
    return found


def verdict(variant):
    """("accepted", "named", "misnamed" or "general", the message) of what the check says of a variant.

    A name is right where the message has the words that the variant's operator states, or where it quotes the
    changed line as the one at which the function stopped. What was seen and what was expected is no name: it is
    true whatever the mistake is.
    """
    function = effects.namespace_of(variant.source)[variant.exercise]
    with mock.patch.object(checks, "TIME_LIMIT", PATIENCE):
        result = getattr(checks, variant.exercise)(function)
    message = result.message
    if result.outcome == "correct":
        return "accepted", message
    said = re.sub(r"(For num_iterations = \d+: )?Your session ran, in this order:.*", "", message, flags=re.S)
    said = re.sub(r"(For (?!every)[^.]*?|)[Ee]xpected .*; yours (gives|returns|is) .*$", "", said, flags=re.S)
    stopped = re.match(r"(.*?)Your function stopped with `(.*?)`( at line \d+, `(.*?)`)?\. ?(.*)", said, flags=re.S)
    if not stopped:
        named = re.search(variant.words, said)
        return ("general" if not said.strip() else "named" if named else "misnamed"), message
    line, explanation = stopped[4] or "", stopped[5]
    changed = [part.strip().replace("`", "'") for part in variant.after.split(" / ") if part]
    quoted = line and any(line[:150] in part or part in line for part in changed)
    if quoted or re.search(variant.words, f"{stopped[2]} {explanation}"):
        return "named", message
    return ("misnamed" if explanation else "general"), message
