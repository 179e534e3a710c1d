"""The checks tried with thousands of answers made from right ones: none wrong accepted, nearly all named."""

import collections
import re

import effects
import mutants
import pytest

from nst_utils import checks
from nst_utils.checks import comparing

# Of the mutants that change the result or the effect; the rest are given the general message.
NAMED, MISNAMED = 0.90, 0.01
REPORT = []


def verdict(variant):
    """(accepted, named, misnamed or general, the message) of what the check says of a variant."""
    result = getattr(checks, variant.exercise)(effects.namespace_of(variant.source)[variant.exercise])
    message = result.message
    if result.outcome == "correct":
        return "accepted", message
    # What was seen, and what was expected, is true whatever the mistake is; the name is what is said beside it.
    said = re.sub(r"(For num_iterations = \d+: )?Your session ran, in this order:.*", "", message, flags=re.S)
    said = re.sub(r"(For (?!every)[^.]*?|)[Ee]xpected .*; yours (gives|returns|is) .*$", "", said, flags=re.S)
    stopped = re.match(r"(.*?)Your function stopped with `(.*?)`( at line \d+, `(.*?)`)?\. ?(.*)", said, flags=re.S)
    if stopped:
        line, explanation = stopped[4] or "", stopped[5]
        changed = [part.strip().replace("`", "'") for part in variant.after.split(" / ")]
        if line and any(line[:150] in part or part in line for part in changed if part):
            return "named", message
        said = f"{stopped[2]} {explanation}"
        if re.search(variant.words, said):
            return "named", message
        return ("misnamed" if explanation else "general"), message
    if not said.strip():
        return "general", message
    return ("named" if re.search(variant.words, said) else "misnamed"), message


@pytest.fixture(scope="module", autouse=True)
def report(request):
    """Print the figures at the end, whether or not output is captured, and then the rest in full."""
    yield
    capture = request.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        print("\n" + "\n".join(REPORT))


@pytest.fixture(autouse=True)
def failures_of_a_diagnosis_show(monkeypatch):
    monkeypatch.setattr(comparing, "diagnosed", lambda diagnose, *arguments: diagnose(*arguments))


def judged(exercise):
    """[(variant, whether it changes anything, what the check says, the message)] of all variants of an exercise."""
    original = {
        form: effects.effect(exercise, mutants.source(exercise, body, mutants.ABOVE.get(exercise, "")))
        for form, body in mutants.FORMS[exercise].items()
    }
    assert all(effect != "failed" for effect in original.values()), original
    for operators, may_change in ((mutants.MISTAKES, True), (mutants.EQUIVALENTS, False)):
        for variant in mutants.variants(exercise, operators):
            changes = variant.luck or not effects.same(original[variant.form], effects.effect(exercise, variant.source))
            # What was meant to be equivalent and fails, such as a type that TensorFlow does not mix, is neither.
            if may_change or not changes:
                yield variant, changes, *verdict(variant)


@pytest.mark.parametrize("exercise", mutants.HEADERS)
def test_no_mutant_is_accepted_and_no_equivalent_refused(exercise):
    counts, rest = collections.Counter(), []
    for variant, changes, said, message in judged(exercise):
        counts[changes, said] += 1
        if said != ("named" if changes else "accepted"):
            kind = "mutant" if changes else "equivalent"
            rest.append(f"  {kind} {said if said != 'named' else 'refused'}: {variant}\n      {message}")
    wrong = sum(count for (changes, _), count in counts.items() if changes)
    right = sum(count for (changes, _), count in counts.items() if not changes)
    named, general, misnamed, accepted = (counts[True, said] for said in ("named", "general", "misnamed", "accepted"))
    REPORT.append(
        f"{exercise}: {wrong} mutants, {named} named ({named / wrong:.1%}), {general} general, {misnamed} misnamed "
        f"({misnamed / wrong:.1%}), {accepted} accepted; {right} equivalents, {counts[False, 'accepted']} accepted"
    )
    REPORT.extend(rest)
    assert accepted == 0
    assert counts[False, "accepted"] == right
    assert named >= NAMED * wrong
    assert misnamed <= MISNAMED * wrong
