"""A cost that a student wrote, made small by minimize(), against stylize(): seconds until the course's J*.

    python benchmarks/minimize.py [--rounds 3] [--size 400x300]

The five functions are written here as the course's exercises have them; the network is in bfloat16 where that is
fast. minimize() starts where stylize() does, from the recoloured photograph, at the full size. Each run has a process
of its own; loading weights, building, tracing and the steps count, imports do not. J* is the cost, as saved, of the
picture that the course's loop ends on (benchmarks/results/time_to_quality.json).
"""

import argparse
import json
import time

import numpy as np
from common import RESULTS, load_pair, median, run_child, save, size_of

LAYERS = [("conv1_1", 0.2), ("conv2_1", 0.2), ("conv3_1", 0.2), ("conv4_1", 0.2), ("conv5_1", 0.2)]
NAMES = [name for name, _ in LAYERS]
CONTENT_LAYER = "conv4_2"
KINDS = ("stylize", "function", "graph")


def students_functions(tf):
    """The course's five functions as a student fills them in."""

    def compute_content_cost(a_C, a_G):
        m, n_H, n_W, n_C = a_G.shape
        return tf.reduce_sum(tf.square(tf.subtract(a_C, a_G))) / (4 * n_H * n_W * n_C)

    def gram_matrix(A):
        return tf.matmul(A, tf.transpose(A))

    def compute_layer_style_cost(a_S, a_G):
        m, n_H, n_W, n_C = a_G.shape
        a_S = tf.transpose(tf.reshape(a_S, [n_H * n_W, n_C]))
        a_G = tf.transpose(tf.reshape(a_G, [n_H * n_W, n_C]))
        difference = gram_matrix(a_S) - gram_matrix(a_G)
        return tf.reduce_sum(tf.square(difference)) / (4 * n_C**2 * (n_H * n_W) ** 2)

    def compute_style_cost(a_S, a_G, STYLE_LAYERS):
        J_style = 0
        for name, weight in STYLE_LAYERS:
            J_style += weight * compute_layer_style_cost(a_S[name], a_G[name])
        return J_style

    def total_cost(J_content, J_style, alpha=10, beta=40):
        return alpha * J_content + beta * J_style

    return compute_content_cost, compute_style_cost, total_cost


def run(kind, size, goal):
    """Seconds until the cost, as the run itself sees it, is at or below the goal."""
    content, style = load_pair(0, size)
    if kind == "stylize":
        from nst_utils import stylize

        began = time.perf_counter()
        stylize(content, style, size=size, stop_at_cost=goal)
        return time.perf_counter() - began
    minimizer = {"function": minimize_function, "graph": minimize_graph}[kind]
    return minimizer(content, style, goal)


class Watch:
    """Ends a run at the goal, as Ctrl-C would."""

    def __init__(self, goal):
        self.goal = goal

    def __call__(self, step):
        if step.cost <= self.goal:
            raise KeyboardInterrupt


def recolored_start(content, style):
    from nst_utils import reshape_and_normalize_image
    from nst_utils.pictures.colors import Moments, recolor

    return reshape_and_normalize_image(recolor(content.astype(np.float32), Moments.of(style)))


def minimize_function(content, style, goal):
    from nst_utils import activations, load_weights, minimize, reshape_and_normalize_image
    from nst_utils.base.tensorflow import resolve_precision, tf
    from nst_utils.network.vgg import prepare

    began = time.perf_counter()
    dtype = resolve_precision("auto")
    weights = prepare(load_weights(), dtype, "conv5_1")
    compute_content_cost, compute_style_cost, total_cost = students_functions(tf)

    def look(image):
        found = activations(tf.cast(image, dtype), weights, [*NAMES, CONTENT_LAYER])
        return {name: tf.cast(a, tf.float32) for name, a in found.items()}

    a_C, a_S = (look(reshape_and_normalize_image(picture)) for picture in (content, style))

    def cost(image):
        a_G = look(image)
        J_content = compute_content_cost(a_C[CONTENT_LAYER], a_G[CONTENT_LAYER])
        return total_cost(J_content, compute_style_cost(a_S, a_G, LAYERS))

    minimize(cost, recolored_start(content, style), 60, Watch(goal))
    return time.perf_counter() - began


def minimize_graph(content, style, goal):
    from nst_utils import CONFIG, load_vgg_model, minimize, reshape_and_normalize_image, tf

    began = time.perf_counter()
    CONFIG.IMAGE_HEIGHT, CONFIG.IMAGE_WIDTH = content.shape[:2]
    compute_content_cost, compute_style_cost, total_cost = students_functions(tf)
    sess = tf.InteractiveSession()
    model = load_vgg_model(precision="auto")
    sess.run(model["input"].assign(reshape_and_normalize_image(content)))
    a_C = sess.run(model[CONTENT_LAYER])
    sess.run(model["input"].assign(reshape_and_normalize_image(style)))
    a_S = sess.run({name: model[name] for name in NAMES})
    J = total_cost(compute_content_cost(a_C, model[CONTENT_LAYER]), compute_style_cost(a_S, model, LAYERS))
    minimize(J, recolored_start(content, style), 60, Watch(goal), variable=model["input"], sess=sess)
    return time.perf_counter() - began


def course_goal(size):
    """J* of the first pair at a size, as time_to_quality measured it."""
    entries = json.loads((RESULTS / "time_to_quality.json").read_text())["entries"]
    return next(e["goal"] for e in entries if tuple(e["size"]) == tuple(size) and e["content"].startswith("summer"))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--size", type=size_of, default=(400, 300))
    parser.add_argument("--run", choices=KINDS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    goal = course_goal(options.size)
    if options.run:
        import nst_utils.base.tensorflow  # noqa: F401 - the import does not count

        print(json.dumps({"seconds": run(options.run, options.size, goal)}))
        return
    seconds = {kind: [] for kind in KINDS}
    shape = f"{options.size[0]}x{options.size[1]}"
    for _ in range(options.rounds):
        for kind in KINDS:
            seconds[kind].append(run_child("minimize.py", "--run", kind, "--size", shape)["seconds"])
    medians = {kind: round(median(found), 2) for kind, found in seconds.items()}
    over = {f"{kind}_over_stylize": round(medians[kind] / medians["stylize"], 2) for kind in KINDS[1:]}
    results = {"size": shape, "goal": goal, "seconds": medians} | over
    print(json.dumps(results, indent=1))
    save("minimize", results)


if __name__ == "__main__":
    main()
