"""What each idea of the engine gains: seconds until the course's J*, with all of them and with one left out.

    python benchmarks/ideas.py [--rounds 3] [--size 200x150]

In one process, in turns, after a run of each that is not counted, so that no tracing is; weights and pictures are
loaded. J* is the cost, as saved, of the picture that the course's loop ends on. The cost is that of the picture clipped
to 0-255. Hollow marks are steps at the full size that looked at the shallow layers only; coarser ones are not drawn.
"""

import argparse
import contextlib
import json

import matplotlib
import numpy as np
from common import RESULTS, load_pair, median, save, save_plot, size_of

# name -> (title, settings of stylize(), constants of nst_utils.engine.run)
IDEAS = {
    "start": ("a mix with noise as the start", {"init": "mix"}, {}),
    "lbfgs": ("Adam, 2 grey levels a step, instead of L-BFGS", {"optimizer": "adam", "init": "color"}, {}),
    "shallow": ("all layers in every step at the full size", {}, {"SHALLOW_STEPS": 0}),
    "coarse": ("every step at the full size", {}, {"COARSEST_SIDE": 10**6}),
    "bfloat16": ("float32", {"precision": "float32"}, {}),
}
MOST_STEPS = {"adam": 200}


def goal_of(size):
    """J* of the first pair at a size, as benchmarks/time_to_quality.py measured it."""
    found = json.loads((RESULTS / "time_to_quality.json").read_text())
    entries = (entry for entry in found["entries"] if entry["content"] == "summer-palace.jpg")
    (goal,) = {entry["goal"] for entry in entries if entry["size"] == [*size]}
    return goal


@contextlib.contextmanager
def changed(constants):
    """The engine's constants, others for a while."""
    from nst_utils.engine import run

    before = {name: getattr(run, name) for name in constants}
    for name, value in constants.items():
        setattr(run, name, value)
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(run, name, value)


def paint(pair, size, goal, settings, constants, most=None):
    """(seconds until the goal or None; [(seconds, cost, exact) of each step at the full size])."""
    from nst_utils import stylize

    steps = most or MOST_STEPS.get(settings.get("optimizer"), 100)
    with changed(constants):
        done = stylize(*pair, size=size, stop_at_cost=goal, iterations=steps, **settings)
    curve = [(step.seconds, step.total, step.exact) for step in done.history if (step.width, step.height) == size]
    return (done.seconds if done.stopped == "cost" else None), curve


def draw(name, title, goal, whole, without):
    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, axis = plt.subplots(figsize=(7, 3.4), layout="constrained")
    for (seconds, curve), label, color in ((without, title, "tab:gray"), (whole, "nst_utils", "tab:blue")):
        seen = [step[:2] for step in curve]
        axis.plot(*zip(*seen, strict=True), "o-", color=color, markersize=4, markerfacecolor="white", linewidth=1)
        exact = [step[:2] for step in curve if step[2]]
        axis.plot(*zip(*exact, strict=True), "o-", color=color, markersize=4, label=label)
        if seconds:
            axis.axvline(seconds, color=color, alpha=0.35)
    axis.axhline(goal, color="black", linewidth=0.8, linestyle="--")
    at_the_edge = axis.get_yaxis_transform()
    axis.text(0.005, goal, "J* of the course's loop", transform=at_the_edge, ha="left", va="bottom", fontsize=9)
    axis.set(yscale="log", xlabel="seconds", ylabel="cost J", xlim=(0, None))
    axis.grid(alpha=0.25)
    axis.spines[["top", "right"]].set_visible(False)
    axis.legend(frameon=False, loc="upper right")
    save_plot(f"ideas-{name}", figure)
    plt.close(figure)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--size", type=size_of, default=(200, 150))
    options = parser.parse_args()
    pair, goal = load_pair(0, options.size), goal_of(options.size)
    variants = {"whole": ("", {}, {}), **IDEAS}
    runs = {name: [] for name in variants}
    for number in range(options.rounds + 1):
        for name, (_, settings, constants) in variants.items():
            warming_up = None if number else (8 if "optimizer" in settings else 30)
            run = paint(pair, options.size, goal, settings, constants, warming_up)
            runs[name] += [run] if number else []
            print(f"{'measured' if number else 'warming up'}: {name} {run[0]}", flush=True)
    # A machine's speed drifts: each round is a comparison of its own, and the median of their ratios counts.
    whole = [seconds for seconds, _ in runs["whole"]]
    rows = {}
    for name, (title, _, _) in IDEAS.items():
        waited = [seconds or curve[-1][0] for seconds, curve in runs[name]]
        ratios = [one / other for one, other in zip(waited, whole, strict=True)]
        shown = int(np.argsort(ratios)[len(ratios) // 2])
        rows[name] = {
            "without": title,
            "seconds": median(waited),
            "reached": all(seconds for seconds, _ in runs[name]),
            "over_whole": median(ratios),
            "least": min(ratios),
            "most": max(ratios),
        }
        draw(name, title, goal, runs["whole"][shown], runs[name][shown])
    found = {"size": options.size, "goal": goal, "rounds": options.rounds, "whole_seconds": median(whole)}
    save("ideas", found | {"ideas": rows})


if __name__ == "__main__":
    main()
