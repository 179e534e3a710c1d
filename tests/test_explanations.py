"""What the checks say of errors, cut gradients and answers that several mistakes explain; how deep a message is."""

import pytest
from test_checks import answer
from test_checks_of_fast import NORM, result

from nst_utils import checks
from nst_utils.checks import wire
from nst_utils.checks.hypotheses import told


@pytest.mark.parametrize(
    ("exercise", "text", "phrase"),
    [
        ("compute_content_cost", "Input to reshape is a tensor with 60 values, but the requested shape has 20", "n_H"),
        ("compute_content_cost", "Incompatible shapes: [1,4,4,3] vs. [1,16,3]", "unroll"),
        ("compute_content_cost", "required broadcastable shapes", "are both pictures unrolled"),
        ("gram_matrix", "Matrix size-incompatible: In[0]: [3,2], In[1]: [3,2]", "by its transpose"),
        ("cosine_similarity", "Matrix size-incompatible: In[0]: [5,3], In[1]: [7,3]", "y transposed"),
        ("cosine_similarity", "Incompatible shapes: [5] vs. [7]", "keepdims=True"),
        ("nearest_spots", "Dimensions must be equal, but are 3 and 4", "different numbers of channels"),
        ("nearest_spots", "Incompatible shapes: [5,3] vs. [5]", "over the positions"),
        ("compute_targets", "indices[3] = 40 is not in [0, 35)", "no spot of this number"),
        ("compute_targets", "indices[0] = [9, 0] does not index into param shape [6,4,3]", "`chosen // n_W`"),
        ("compute_targets", "Input to reshape is a tensor with 9 values", "the shape of `a_C`"),
        ("compute_match_cost", "Incompatible shapes: [1,5,7,3] vs. [1,7,8,3]", "of `a_S` only the mean is used"),
    ],
)
def test_an_error_of_tensorflow_is_explained_where_it_betrays_a_mistake(exercise, text, phrase):
    found = getattr(checks, exercise)(answer(exercise, f"raise ValueError({text!r})", ""))
    assert found.outcome == "wrong" and text in found.message and phrase in found.message, found.message


def test_a_cost_may_take_tensors_only_but_may_not_fail_otherwise():
    right = "return alpha * J_content + beta * J_style"
    body = "if isinstance(J_content, float): raise {}('tensors only')\n" + right
    assert checks.total_cost(answer("total_cost", body.format("TypeError"), "")).outcome == "correct"
    found = checks.total_cost(answer("total_cost", body.format("ValueError"), ""))
    assert found.outcome == "wrong" and "tensors only" in found.message


def test_a_norm_through_which_no_gradient_flows_to_the_activations_is_said_to_be_cut():
    found = result("instance_norm", "a = tf.stop_gradient(a)\n" + NORM.strip())
    assert found.outcome == "wrong" and "no gradient flows from it to `a`" in found.message
    for other in ("scale", "shift"):
        cut = f"{other} = tf.stop_gradient({other})\n"
        assert result("instance_norm", cut + NORM.strip()).outcome == "correct"


def test_mistakes_that_explain_the_figures_alike_are_told_as_alternatives():
    assert told([]) == "" and told(["", "One.", "One."]) == "One."
    assert told(["One.", "Another."]) == "Two mistakes explain your figures equally well. Either: One. Or: Another."
    three = told(["A.", "B.", "C."])
    assert three.startswith("Three mistakes") and three.endswith("A. Or: B. Or: C.")


def test_a_message_is_nested_up_to_twelve_times():
    def nested(depth, make):
        value = 1
        for _ in range(depth):
            value = make(value)
        return value

    for make in (lambda value: [value], lambda value: {"a": value}):
        assert wire.decode(wire.encode(nested(12, make))) == nested(12, make)
        with pytest.raises(wire.Malformed):
            wire.decode(wire.encode(nested(13, make)))
