"""How long until a picture is as good as the course's? The course's loop, PyTorch's L-BFGS and nst_utils, in turns.

    python benchmarks/time_to_quality.py [--rounds 3] [--sizes 400x300,200x150] [--pairs 0,1,2]

J* is the cost, evaluated in float32, of the picture that the course's loop ends on: graph session, float32, Adam 2.0,
noise mix, 200 iterations, saved with 8 bits. Everybody minimises the same costs with the same weights file. The clock
of each runs from after the imports: loading weights, building and tracing count. Every picture is scored as saved,
clipped to 0-255 and rounded, by the same float32 evaluation, outside the clock. Each run has a process of its own.

    course           load_vgg_model() and AdamOptimizer(2.0) in a session
    torch            float32, torch.optim.LBFGS with the strong-Wolfe line search, from the noise mix
    torch-plain      the same without line search, as neural-style-pt runs it
    ours             stylize(), default settings
    ours-float32     stylize() without bfloat16

PyTorch is given 100 evaluations. Where it has not arrived by then, it is taken to arrive when they end, so that "times
sooner" is a lower bound there.

The embedded network has three identity convolutions. nst_utils leaves them out, which is part of what it gains;
the others compute them, as they would with any weights file.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from common import PAIRS, RESULTS, load_pair, machine, median, objective_at, run_child, save, save_plot, size_of

from nst_utils.course.config import CONFIG
from nst_utils.engine.recipe import CONTENT_LAYER, STYLE_LAYERS

METHODS = ("course", "torch", "torch-plain", "ours", "ours-float32")
LABELS = {
    "course": "the course's loop (Adam, TensorFlow graph)",
    "torch": "PyTorch L-BFGS, strong Wolfe",
    "torch-plain": "PyTorch L-BFGS, no line search",
    "ours": "nst_utils",
    "ours-float32": "nst_utils, float32",
}
COURSE_ITERATIONS, TORCH_EVALUATIONS, LONG_ITERATIONS = 200, 100, 120
CONTENTS = [content for content, _ in PAIRS]
SEED = 1


class Recorder:
    """Pictures with the seconds at which they were there."""

    def __init__(self):
        self.pictures, self.seconds, self.began = [], [], time.perf_counter()

    def add(self, picture):
        """Keep a picture (H, W, 3), 0-255, of any range, as it would be saved."""
        self.seconds.append(time.perf_counter() - self.began)
        self.pictures.append(np.rint(np.clip(picture, 0, 255)).astype(np.uint8))


def run_course(content, style):
    """The course's notebook, as it stands; every tenth picture is kept."""
    from nst_utils import (
        compute_content_cost,
        compute_style_cost,
        generate_noise_image,
        load_vgg_model,
        reshape_and_normalize_image,
        total_cost,
    )
    from nst_utils.base.tensorflow import tf as tf2
    from nst_utils.base.tensorflow import use_graph_mode

    tf = tf2.compat.v1
    use_graph_mode()
    CONFIG.IMAGE_HEIGHT, CONFIG.IMAGE_WIDTH = content.shape[:2]
    record = Recorder()
    session = tf.InteractiveSession()
    model = load_vgg_model()
    content_image, style_image = reshape_and_normalize_image(content), reshape_and_normalize_image(style)
    np.random.seed(SEED)
    generated = generate_noise_image(content_image)
    session.run(model["input"].assign(content_image))
    J_content = compute_content_cost(session.run(model[CONTENT_LAYER]), model[CONTENT_LAYER])
    session.run(model["input"].assign(style_image))
    J = total_cost(J_content, compute_style_cost(model, STYLE_LAYERS))
    train_step = tf.train.AdamOptimizer(2.0).minimize(J)
    session.run(tf.global_variables_initializer())
    session.run(model["input"].assign(generated))
    for iteration in range(1, COURSE_ITERATIONS + 1):
        session.run(train_step)
        if iteration % 10 == 0:
            record.add((session.run(model["input"]) + CONFIG.MEANS)[0])
    return record


def run_torch(content, style, evaluations, line_search):
    """The same costs in PyTorch; every picture that the closure sees is kept."""
    import torch
    import torch.nn.functional as F

    from nst_utils import generate_noise_image, load_weights, reshape_and_normalize_image
    from nst_utils.network.layout import LAYERS

    record = Recorder()
    weights = {name: [torch.from_numpy(np.array(a)) for a in pair] for name, pair in load_weights().items()}
    weights = {name: (kernel.permute(3, 2, 0, 1).contiguous(), bias) for name, (kernel, bias) in weights.items()}
    names = [name for name, _ in STYLE_LAYERS]
    deepest = LAYERS.index(names[-1])

    def features(x):
        found = {}
        for name in LAYERS[: deepest + 1]:
            if name.startswith("avgpool"):
                x = F.avg_pool2d(x, 2, ceil_mode=True, count_include_pad=False)
            else:
                x = F.relu(F.conv2d(x, *weights[name], padding=1))
            found[name] = x
        return found

    def style_matrix(a):
        rows = a.flatten(2)[0]
        return rows @ rows.T / rows.shape[1]

    def tensor(image):
        return torch.from_numpy(np.ascontiguousarray(image.transpose(0, 3, 1, 2), dtype=np.float32))

    np.random.seed(SEED)
    content_image = reshape_and_normalize_image(content)
    x = tensor(generate_noise_image(content_image)).requires_grad_()
    with torch.no_grad():
        a_C = features(tensor(content_image))[CONTENT_LAYER]
        found = features(tensor(reshape_and_normalize_image(style)))
        S_S = {name: style_matrix(found[name]) for name in names}

    def closure():
        optimizer.zero_grad()
        found = features(x)
        J_content = ((found[CONTENT_LAYER] - a_C) ** 2).sum() / (4 * a_C.numel())
        J_style = sum(
            weight * ((style_matrix(found[name]) - S_S[name]) ** 2).sum() / (4 * S_S[name].numel())
            for name, weight in STYLE_LAYERS
        )
        J = 10 * J_content + 40 * J_style
        J.backward()
        picture = x.detach().numpy().transpose(0, 2, 3, 1) + CONFIG.MEANS
        record.add(picture[0])
        return J

    # One call runs them all; the tolerances are set so that nothing ends it early.
    optimizer = torch.optim.LBFGS(
        [x], lr=1, max_iter=evaluations, max_eval=evaluations, tolerance_grad=0, tolerance_change=0,
        history_size=100, line_search_fn=line_search,
    )
    optimizer.step(closure)
    return record


def run_ours(content, style, goal, **settings):
    """stylize() with default settings; goal None runs on for the long curve."""
    from nst_utils.engine.stylize import stylize_steps

    record = Recorder()
    height, width = content.shape[:2]
    iterations = LONG_ITERATIONS if goal is None else None
    for step in stylize_steps(
        content, style, size=(width, height), seed=SEED, stop_at_cost=goal, iterations=iterations, **settings
    ):
        if step.exact:
            record.add(step.pixels)
    return record


# Content, style, J* (None as long as it is unknown) and the evaluations at which PyTorch ends.
RUNNERS = {
    "course": lambda c, s, goal, evaluations: run_course(c, s),
    "torch": lambda c, s, goal, evaluations: run_torch(c, s, evaluations, "strong_wolfe"),
    "torch-plain": lambda c, s, goal, evaluations: run_torch(c, s, evaluations, None),
    "ours": lambda c, s, goal, evaluations: run_ours(c, s, goal),
    "ours-float32": lambda c, s, goal, evaluations: run_ours(c, s, goal, precision="float32"),
}


def score(content, style, pictures):
    """J in float32 of pictures as they are saved."""
    objective = objective_at(content, style, "float32")
    return [objective.costs(picture.astype(np.float32)).total for picture in pictures]


def child(options):
    """One run in this process: its curve as JSON on standard output, its last picture in a file."""
    content, style = load_pair(options.pair, options.size)
    record = RUNNERS[options.run](content, style, options.goal, options.evaluations)
    np.savez(options.pictures, pictures=np.stack(record.pictures), seconds=record.seconds)
    print(json.dumps({"seconds": record.seconds[-1]}))


def score_child(options):
    content, style = load_pair(options.pair, options.size)
    with np.load(options.pictures) as file:
        print(json.dumps({"costs": score(content, style, file["pictures"])}))


def measure(method, pair, size, goal=None, evaluations=TORCH_EVALUATIONS):
    """[(seconds, J), ...] of one run, and its first picture at or below the goal, or else its last."""
    with tempfile.TemporaryDirectory() as folder:
        pictures = Path(folder) / "pictures.npz"
        common = ["--pair", pair, "--size", f"{size[0]}x{size[1]}", "--pictures", pictures]
        limits = ["--evaluations", evaluations, *(["--goal", goal] if goal else [])]
        run_child("time_to_quality.py", "--run", method, *common, *limits)
        costs = run_child("time_to_quality.py", "--score", *common)["costs"]
        with np.load(pictures) as file:
            curve = list(zip(file["seconds"].tolist(), costs, strict=True))
            reached = first_index(curve, goal)
            return curve, file["pictures"][-1 if reached is None else reached]


def first_index(curve, goal):
    return next((i for i, (_, J) in enumerate(curve) if goal is not None and J <= goal), None)


def time_to(curve, goal):
    """Seconds until the curve is at or below the goal, or None."""
    index = first_index(curve, goal)
    return None if index is None else curve[index][0]


def compare(pair, size, rounds):
    """All methods on one pair at one size, in turns."""
    from nst_utils.pictures.writing import write_image

    entry = {
        "content": PAIRS[pair][0], "style": PAIRS[pair][1], "size": list(size),
        "machine": machine(), "date": time.strftime("%Y-%m-%d"), "runs": {method: [] for method in METHODS},
    }
    goal, pictures, evaluations = None, {}, {}
    for turn in range(rounds):
        for method in METHODS:
            if turn and time_to(entry["runs"][method][0], goal) is None:
                continue  # it did not arrive in the first round
            curve, picture = measure(method, pair, size, goal, evaluations.get(method, TORCH_EVALUATIONS))
            if goal is None:
                goal = entry["goal"] = curve[-1][1]
            pictures.setdefault(method, picture)
            entry["runs"][method].append(curve)
            if method.startswith("torch") and (reached := first_index(curve, goal)) is not None:
                # Its whole curve has been seen: the later rounds go a little beyond J*.
                evaluations[method] = reached + 10
            print(f"{PAIRS[pair][0]} {size[0]}x{size[1]} round {turn + 1} {method:<13} "
                  f"J*={goal:.3g} reached in {time_to(curve, goal)} s", file=sys.stderr, flush=True)
    entry["long"] = measure("ours", pair, size)[0]
    entry["seconds"] = {
        method: median(times) if None not in (times := [time_to(c, goal) for c in curves]) else None
        for method, curves in entry["runs"].items()
    }
    strip = np.concatenate([pictures[m] for m in ("course", "torch", "ours")], axis=1)
    RESULTS.mkdir(exist_ok=True)
    write_image(RESULTS / f"time_to_quality-{Path(PAIRS[pair][0]).stem}-{size[0]}x{size[1]}.png", strip)
    return entry


def summarise(entries):
    """How many times sooner ours is, per pair and size and as medians; and who gets how soon to a tenth of J*."""
    rows = []
    for entry in entries:
        s = entry["seconds"]
        curves = {method: runs[0] for method, runs in entry["runs"].items()} | {"ours": entry["long"]}
        rows.append({
            "content": entry["content"],
            "size": entry["size"],
            "seconds": s,
            "course_over_ours": ratio(s["course"], s["ours"]),
            "torch_over_ours": ratio(min(arrival(entry, "torch"), arrival(entry, "torch-plain")), s["ours"]),
            "course_over_ours_float32": ratio(s["course"], s["ours-float32"]),
            "seconds_to_a_tenth": {
                method: time_to(curves[method], entry["goal"] / 10) for method in METHODS if method != "ours-float32"
            },
        })
    ratios = {name: [row[name] for row in rows] for name in rows[0] if "_over_" in name}
    return {
        "medians": {name: median(values) for name, values in ratios.items()},
        "least": {name: min(values) for name, values in ratios.items()},
        "pairs": rows,
    }


def arrival(entry, method):
    """Seconds until J*, or, where the method did not arrive, until its run ended."""
    return entry["seconds"][method] or entry["runs"][method][0][-1][0]


def ratio(theirs, ours):
    """How many times sooner ours is; 0 where it never arrived."""
    return theirs / ours if ours else 0.0


def plot(entries):
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    columns = min(3, len(entries))
    rows = -(-len(entries) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(4.2 * columns, 3.4 * rows), squeeze=False, layout="constrained")
    for axis in axes.flat[len(entries) :]:
        axis.axis("off")
    colours = {"course": "tab:gray", "torch": "tab:orange", "torch-plain": "tab:brown", "ours": "tab:blue",
               "ours-float32": "tab:cyan"}
    for axis, entry in zip(axes.flat, entries, strict=False):
        for method in METHODS:
            if entry["runs"][method]:
                seconds, costs = zip(*entry["runs"][method][0], strict=True)
                marker = "o" if method.startswith("ours") else None
                axis.loglog(seconds, costs, color=colours[method], label=LABELS[method], marker=marker, markersize=3)
        seconds, costs = zip(*entry["long"], strict=True)
        axis.loglog(seconds, costs, color=colours["ours"], linestyle=":", label="nst_utils, run on")
        axis.axhline(entry["goal"], color="black", linewidth=0.7, linestyle="--")
        axis.set_title(f"{Path(entry['content']).stem}, {entry['size'][0]}x{entry['size'][1]}", fontsize=10)
        axis.set_xlim(1, 500)
        axis.set_xticks([1, 10, 100], ["1", "10", "100"])
        axis.set_xlabel("seconds")
        axis.set_ylabel("cost of the saved picture")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncol=3, fontsize=9, frameon=False)
    figure.suptitle("Time to quality (dashed: J*, the cost of the picture that the course's loop ends on)", fontsize=11)
    save_plot("time_to_quality", figure)


def earlier_entries():
    """{(size, content): entry} of the results there are: pairs not measured again stay as they were."""
    path = RESULTS / "time_to_quality.json"
    entries = json.loads(path.read_text())["entries"] if path.exists() else []
    return {(tuple(entry["size"]), entry["content"]): entry for entry in entries}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sizes", default="400x300,200x150")
    parser.add_argument("--pairs", default="0,1,2")
    for name, kind in (("run", str), ("pair", int), ("size", size_of), ("goal", float), ("pictures", Path),
                       ("evaluations", int)):
        parser.add_argument(f"--{name}", type=kind, help=argparse.SUPPRESS)
    parser.add_argument("--score", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run:
        return child(options)
    if options.score:
        return score_child(options)
    entries = earlier_entries()
    for size in map(size_of, options.sizes.split(",")):
        for pair in map(int, options.pairs.split(",")):
            entries[size, PAIRS[pair][0]] = compare(pair, size, options.rounds)
            ordered = [entries[key] for key in sorted(entries, key=lambda key: (-key[0][0], CONTENTS.index(key[1])))]
            # After each pair, so that a run cut short keeps what it has.
            summary = summarise(ordered)
            save("time_to_quality", {"summary": summary, "entries": ordered})
            plot(ordered)
    print(json.dumps(summary, indent=1))


if __name__ == "__main__":
    main()
