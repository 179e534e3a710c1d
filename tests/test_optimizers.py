"""The optimisers alone, on functions whose minimum is known: against SciPy, against Keras, and when they fail."""

import numpy as np
import pytest
import scipy.optimize

from nst_utils.base.tensorflow import eager_mode, tf
from nst_utils.engine.optimizers import Adagrad, Adam, Evaluation, Lbfgs, newton_step


def objective_of(function, calls=None):
    """An objective of float32 arrays out of function(x) -> (value, gradient) in float64."""

    def objective(x):
        if calls is not None:
            calls.append(x)
        value, gradient = function(x.astype(np.float64))
        return Evaluation(x, None, value, gradient.astype(np.float32))

    return objective


def rosenbrock(x):
    return scipy.optimize.rosen(x), scipy.optimize.rosen_der(x)


def ill_conditioned(x):
    scales = np.logspace(0, 3, x.size)
    return 0.5 * float(np.sum(scales * x**2)), scales * x


def curved_valley(x):
    """Not a square: the fourth power has no curvature at its minimum."""
    return float(np.sum((x - 1) ** 4) + np.sum((x[1:] - x[:-1]) ** 2)), 4 * (x - 1) ** 3 + np.pad(
        2 * (x[1:] - x[:-1]), (1, 0)
    ) - np.pad(2 * (x[1:] - x[:-1]), (0, 1))


def descend(optimizer, objective, start, steps, first_step=0.1):
    """The last Evaluation, and how many steps were made."""
    now, memory = objective(np.asarray(start, np.float32)), ()
    for count in range(steps):
        found = optimizer.step(objective, now, memory, first_step)
        if found is None:
            return now, count
        now, memory = found
    return now, steps


@pytest.mark.parametrize(
    ("function", "start"),
    [
        (rosenbrock, np.linspace(-1.5, 1.5, 6)),
        (ill_conditioned, np.linspace(1, -2, 20)),
        (curved_valley, np.linspace(-1, 3, 12)),
    ],
)
def test_lbfgs_needs_few_more_evaluations_than_scipys(function, start):
    goal = 1e-3 * function(np.asarray(start, np.float64))[0]
    theirs = []

    def watched(x):
        value, gradient = function(x)
        theirs.append(value)
        return value, gradient

    scipy.optimize.fmin_l_bfgs_b(watched, start, m=10, factr=0, pgtol=0, maxfun=500)
    needed = next(i for i, value in enumerate(theirs) if value <= goal) + 1
    calls = []
    objective = objective_of(function, calls)
    now, memory = objective(np.asarray(start, np.float32)), ()
    while now.value > goal:
        now, memory = Lbfgs().step(objective, now, memory, 0.1)
        assert len(calls) <= 2 * needed + 5
    assert len(memory) <= 10


def test_lbfgs_arrives_at_the_minimum():
    last, _ = descend(Lbfgs(), objective_of(rosenbrock), [-1.2, 1.0, -0.5, 0.8], 200)
    np.testing.assert_allclose(last.picture, 1, atol=2e-3)


def test_newton_step_solves_a_quadratic_once_its_curvature_is_known():
    matrix = np.array([[5.0, 1.0, 0.0], [1.0, 3.0, 0.5], [0.0, 0.5, 2.0]], np.float32)
    # Steps conjugate to each other tell L-BFGS the whole matrix.
    steps = scipy.linalg.eigh(matrix)[1].T.astype(np.float32)
    memory = tuple((step, matrix @ step, float(step @ matrix @ step)) for step in steps)
    gradient = np.array([1.0, -2.0, 3.0], np.float32)
    np.testing.assert_allclose(newton_step(memory, gradient), -np.linalg.solve(matrix, gradient), rtol=1e-4)


def test_the_history_is_as_long_as_told_and_holds_the_latest_steps():
    objective = objective_of(ill_conditioned)
    now, memory = objective(np.linspace(1, -2, 20).astype(np.float32)), ()
    for _ in range(6):
        before = now.picture
        now, memory = Lbfgs(3).step(objective, now, memory, 0.1)
    assert len(memory) == 3
    np.testing.assert_allclose(memory[-1][0], now.picture - before, atol=1e-6)


def test_the_first_step_moves_as_far_as_told():
    now, _ = descend(Lbfgs(), objective_of(lambda x: (float(np.sum(x)), np.ones_like(x))), np.zeros(50), 1, 2.5)
    assert np.sqrt(np.mean(now.picture**2)) == pytest.approx(2.5, rel=1e-5)


def test_a_step_too_long_is_shortened_until_the_value_falls():
    now, steps = descend(Lbfgs(), objective_of(ill_conditioned), np.full(8, 1e-2), 1, first_step=100.0)
    assert steps == 1 and now.value < ill_conditioned(np.full(8, 1e-2))[0]


def test_a_memory_that_misleads_is_forgotten():
    """A curvature of the wrong function points uphill or far away: the slope alone still finds a way down."""
    objective = objective_of(ill_conditioned)
    now = objective(np.linspace(1, 2, 20).astype(np.float32))
    rng = np.random.default_rng(0)
    steps = rng.normal(size=(5, 20)).astype(np.float32)
    lies = tuple((step, 1e-9 * step, 1e-9 * float(step @ step)) for step in steps)
    found, memory = Lbfgs().step(objective, now, lies, 0.1)
    assert found.value < now.value and len(memory) <= 2


def test_at_the_minimum_there_is_no_further_step():
    objective = objective_of(ill_conditioned)
    assert Lbfgs().step(objective, objective(np.zeros(5, np.float32)), ()) is None


def test_where_no_step_lowers_the_value_the_search_ends():
    """A gradient that promises what the value does not keep."""
    objective = objective_of(lambda x: (float(np.sum(x**2)), -2 * x))
    assert Lbfgs().step(objective, objective(np.ones(5, np.float32)), ()) is None


def test_a_value_that_is_no_number_is_no_step():
    def cliff(x):
        return (0.5 * float(x @ x), x) if np.abs(x).max() <= 1 else (float("nan"), x)

    now, _ = descend(Lbfgs(), objective_of(cliff), np.full(4, 0.9), 3, first_step=50.0)
    assert np.isfinite(now.value) and now.value < 0.5 * 4 * 0.81


def test_flat_directions_teach_no_curvature():
    objective = objective_of(lambda x: (float(np.sum(x)), np.ones_like(x)))
    _, memory = Lbfgs().step(objective, objective(np.zeros(4, np.float32)), ())
    assert memory == ()


@pytest.mark.parametrize(
    ("ours", "name", "options"),
    [
        (Adam(0.05), "Adam", {"learning_rate": 0.05, "epsilon": 1e-8}),
        (Adam(0.05, 0.8, 0.95, 1e-3), "Adam", {"learning_rate": 0.05, "beta_1": 0.8, "beta_2": 0.95, "epsilon": 1e-3}),
        (Adagrad(0.3), "Adagrad", {"learning_rate": 0.3}),
        (Adagrad(0.3, 2.0), "Adagrad", {"learning_rate": 0.3, "initial_accumulator_value": 2.0}),
    ],
    ids=repr,
)
def test_adam_and_adagrad_go_the_way_that_keras_goes(ours, name, options):
    start = np.linspace(-1.5, 1.5, 6).astype(np.float32)
    objective = objective_of(rosenbrock)
    now, memory = objective(start), ()
    with eager_mode():
        variable = tf.Variable(start)
        keras = getattr(tf.keras.optimizers, name)(**options)
        for _ in range(30):
            now, memory = ours.step(objective, now, memory)
            slope = rosenbrock(variable.numpy().astype(np.float64))[1]
            keras.apply_gradients([(tf.constant(slope, tf.float32), variable)])
            np.testing.assert_allclose(now.picture, variable.numpy(), rtol=2e-4, atol=2e-5)


@pytest.mark.parametrize("optimizer", [Lbfgs(4), Adam(), Adagrad()], ids=repr)
def test_a_step_leaves_what_it_was_given_as_it_was(optimizer):
    objective = objective_of(ill_conditioned)
    now, memory = objective(np.linspace(1, 2, 10).astype(np.float32)), ()
    for _ in range(3):
        now, memory = optimizer.step(objective, now, memory, 0.1)
    kept = [now.picture.copy(), now.gradient.copy(), *(np.copy(part) for row in memory for part in row)]
    first, _ = optimizer.step(objective, now, memory, 0.1)
    for before, after in zip(kept, [now.picture, now.gradient, *(p for row in memory for p in row)], strict=True):
        np.testing.assert_array_equal(before, after)
    np.testing.assert_array_equal(optimizer.step(objective, now, memory, 0.1)[0].picture, first.picture)


# The line search, step by step


def bowl(x):
    return 0.5 * float(x @ x), x


def trials(function, start, first_step, memory=()):
    """Where the objective is asked in one step of L-BFGS, by its first coordinate, and what comes of it."""
    calls = []
    objective = objective_of(function, calls)
    now = objective(np.asarray(start, np.float32))
    found = Lbfgs().step(objective, now, memory, first_step)
    return [float(x[0]) for x in calls[1:]], found


@pytest.mark.parametrize("scale", [1.0, 1e-4, 1e4])
@pytest.mark.parametrize(
    ("first_step", "expected"),
    [
        (2, [1]),  # lower at once
        (6, [-3, 0]),  # as high as before is not lower: the parabola through both has its minimum between them
        (10, [-7, 0]),
        (60, [-57, -3, 0]),  # that minimum is at a twentieth, and no step is shortened to less than a tenth
    ],
)
def test_a_refused_step_is_shortened_to_the_minimum_of_the_parabola(scale, first_step, expected):
    asked, found = trials(lambda x: tuple(scale * part for part in bowl(x)), np.full(4, 3.0), first_step)
    np.testing.assert_allclose(asked, expected, atol=2e-3)
    now, memory = found
    assert float(now.picture[0]) == pytest.approx(expected[-1], abs=2e-3)
    # The first trial teaches the curvature even where it is refused.
    assert len(memory) == min(len(expected), 2)


@pytest.mark.parametrize("beyond", [float("nan"), float("inf")])
def test_from_where_there_is_no_number_a_tenth_of_the_step_is_tried(beyond):
    asked, found = trials(lambda x: bowl(x) if abs(x[0]) < 4 else (beyond, x), np.full(4, 3.0), 20.0)
    np.testing.assert_allclose(asked, [-17, 1], atol=1e-3)
    assert found is not None


def test_a_search_ends_after_eight_trials_and_without_memory_the_step_fails():
    """The curvature is that of a bowl, but nothing is as low as the start."""
    start = np.full(4, 3.0)
    asked, found = trials(lambda x: (100.0 * bool(np.abs(x - start).max()), x), start, 1.0)
    assert len(asked) == 8 and found is None


def test_where_the_memory_leads_nowhere_the_slope_alone_is_tried():
    """A curvature far too small sends the search so far that no shortening brings it back."""
    step = np.float32([1, 0, 0, 0])
    lie = (step, np.float32(1e-12) * step, 1e-12)
    asked, found = trials(bowl, np.full(4, 3.0), 2.0, (lie,))
    assert len(asked) == 9 and abs(asked[7]) > 100 and asked[8] == pytest.approx(1)
    assert found[0].value < 18 and len(found[1]) == 1


def test_at_the_minimum_there_is_no_further_step_whatever_is_remembered():
    objective = objective_of(bowl)
    memory = ((np.ones(4, np.float32), np.ones(4, np.float32), 4.0),)
    assert Lbfgs().step(objective, objective(np.zeros(4, np.float32)), memory) is None


# What holds where nothing is said


def test_lbfgs_remembers_ten_steps_and_begins_with_eight_grey_levels():
    objective = objective_of(ill_conditioned)
    now, memory = objective(np.linspace(1, -2, 40).astype(np.float32)), ()
    for _ in range(14):
        now, memory = Lbfgs().step(objective, now, memory, 0.1)
    assert len(memory) == 10
    slope = objective_of(lambda x: (float(np.sum(x)), np.ones_like(x)))
    now, _ = Lbfgs().step(slope, slope(np.zeros(5, np.float32)), ())
    np.testing.assert_allclose(now.picture, -8)


@pytest.mark.parametrize(
    ("ours", "name", "options"),
    [
        (Adam(), "Adam", {"learning_rate": 2.0, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-8}),
        (Adagrad(), "Adagrad", {"learning_rate": 2.0, "initial_accumulator_value": 0.1, "epsilon": 1e-7}),
    ],
)
def test_by_default_the_way_is_that_of_the_course_and_of_keras(ours, name, options):
    """With slopes as small as the small numbers that are added to the roots, so that these count, too."""
    scale = np.logspace(-9, 0, 10)
    objective = objective_of(lambda x: (float(scale @ x**2), 2 * scale * x))
    now, memory = objective(np.ones(10, np.float32)), ()
    with eager_mode():
        variable = tf.Variable(now.picture)
        keras = getattr(tf.keras.optimizers, name)(**options)
        for _ in range(20):
            now, memory = ours.step(objective, now, memory)
            slope = 2 * scale * variable.numpy()
            keras.apply_gradients([(tf.constant(slope, tf.float32), variable)])
            np.testing.assert_allclose(now.picture, variable.numpy(), rtol=1e-3, atol=1e-4)


def test_an_evaluation_has_a_gradient_only_where_one_was_asked_for():
    assert Evaluation(np.zeros(3), None, 1.0).gradient is None
