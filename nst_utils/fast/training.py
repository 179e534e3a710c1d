"""Training: step by step, kept in checkpoints, and gone on with; and learning one more style."""

import json
import os
import time
from dataclasses import asdict, replace

import numpy as np

from nst_utils.base.errors import InputError
from nst_utils.base.files import check_folder, replacing
from nst_utils.base.tensorflow import computing, resolve_precision, tf
from nst_utils.fast.distribution import scope_of, worker_of
from nst_utils.fast.judging import Perception, training_cost
from nst_utils.fast.layers import Shape
from nst_utils.fast.photographs import draw_batch
from nst_utils.fast.plan import LEARNING
from nst_utils.fast.styles import Manner, StyleBook


def learning_rate(plan, step):
    """Adam's step size: a short rise, then half a cosine down to a hundredth."""
    rise = min(1.0, (step + 1) / min(200, 1 + plan.steps / 10))
    fall = 0.5 * (1 + np.cos(np.pi * min(1.0, step / plan.steps)))
    return plan.learning_rate * rise * (0.01 + 0.99 * fall)


class Trainer:
    """A network on its way: steps, and the checkpoint from which they go on.

    only_styles: leave the convolutions as they are and change the table of styles alone. strategy: a
    tf.distribute.Strategy, whose replicas each draw pieces of their own; the network has been made in its scope.
    """

    def __init__(self, plan, network, paintings, photographs, weights=None, only_styles=False, strategy=None):
        import keras

        self.plan, self.network, self.paintings, self.photographs = plan, network, paintings, photographs
        self.strategy = strategy
        with computing(), scope_of(strategy):
            self.perception = Perception(plan, paintings, photographs, weights)
            self.variables = [network.table] if only_styles else network.trainable_variables
            self.optimizer = keras.optimizers.Adam(plan.learning_rate, global_clipnorm=10.0)
            self.optimizer.build(self.variables)
        self.step, self.seconds = 0, 0.0
        self._traced = tf.function(self._train_step if strategy is None else self._distributed_step, autograph=False)

    def advance(self):
        """One step: {part: cost} of its batch, the mean over all replicas."""
        began = time.perf_counter()
        with computing():
            self.optimizer.learning_rate.assign(learning_rate(self.plan, self.step))
            parts = {name: float(cost) for name, cost in self._traced(self._batch()).items()}
        if not np.isfinite(parts["cost"]):
            raise InputError(f"The cost became {parts['cost']} at step {self.step}: try a lower learning rate.")
        self.step += 1
        self.seconds += time.perf_counter() - began
        return parts

    def _batch(self):
        def draw(replica):
            batch = draw_batch(self.photographs, self.paintings, self.plan, self.step, replica)
            return {name: tf.constant(each) for name, each in batch.items()}

        if self.strategy is None:
            return draw(0)
        return self.strategy.experimental_distribute_values_from_function(
            lambda context: draw(context.replica_id_in_sync_group)
        )

    def _train_step(self, batch):
        replicas = 1 if self.strategy is None else self.strategy.num_replicas_in_sync
        with tf.GradientTape() as tape:
            parts = training_cost(self.network, self.perception, batch, self.plan)
            cost = parts["cost"] / replicas  # the optimiser adds up the gradients of all replicas
        self.optimizer.apply(tape.gradient(cost, [each.value for each in self.variables]), self.variables)
        return parts

    def _distributed_step(self, batch):
        parts = self.strategy.run(self._train_step, (batch,))
        return {name: self.strategy.reduce("mean", cost, axis=None) for name, cost in parts.items()}

    def save(self, path):
        """Write a checkpoint, whole or not at all: weights, Adam's memory, and where the training stands."""
        arrays = {f"weight_{i}": np.asarray(each) for i, each in enumerate(self.network.weights)}
        arrays |= {f"slot_{i}": np.asarray(each) for i, each in enumerate(self.optimizer.variables)}
        words = {"step": self.step, "seconds": self.seconds, "plan": asdict(self.plan)}
        words["styles"] = [each.name for each in self.paintings]
        with replacing(check_folder(path)) as temporary, temporary.open("wb") as file:
            np.savez(file, words=np.array(json.dumps(words)), **arrays)

    def restore(self, path):
        """Go on from a checkpoint; InputError where it is of another network or other styles."""
        try:
            with np.load(path, allow_pickle=False) as file:
                words = json.loads(file["words"].item())
                weights = [file[f"weight_{i}"] for i in range(len(self.network.weights))]
                slots = [file[f"slot_{i}"] for i in range(len(self.optimizer.variables))]
        except Exception as error:  # NumPy and zipfile raise many kinds on damaged bytes
            raise InputError(f"{path} is no checkpoint that can be read ({error}): begin anew without it.") from None
        pairs = list(zip([*self.network.weights, *self.optimizer.variables], [*weights, *slots], strict=True))
        same = words["styles"] == [each.name for each in self.paintings]
        if not same or any(tuple(variable.shape) != array.shape for variable, array in pairs):
            raise InputError(f"{path} is the checkpoint of another network or of other styles: begin anew without it.")
        for variable, array in pairs:
            variable.assign(array)
        self.step, self.seconds = words["step"], words["seconds"]


def train(
    paintings, photographs, plan, network, checkpoint=None, weights=None, only_styles=False, every=300.0, strategy=None
):
    """Train to the end of the plan: a generator of (Trainer, {part: cost}) after every step.

    checkpoint: a path; one that is there is gone on with, and it is written anew every `every` seconds, and at the end.
    A kill loses no more than what came after the last one.
    """
    trainer = Trainer(plan, network, paintings, photographs, weights, only_styles, strategy)
    first = worker_of(strategy)[0] == 0
    if checkpoint and os.path.exists(checkpoint):
        trainer.restore(checkpoint)
    saved = time.monotonic()
    while trainer.step < plan.steps:
        parts = trainer.advance()
        if checkpoint and first and (time.monotonic() - saved > every or trainer.step == plan.steps):
            trainer.save(checkpoint)
            saved = time.monotonic()
        yield trainer, parts


def new_network(widths, styles, seed=0, precision="auto", strategy=None, blocks=5):
    """A FastNetwork with random kernels, as many styles, and variables where the strategy has them."""
    from nst_utils.fast.model import FastNetwork

    with computing(), scope_of(strategy):
        return FastNetwork(Shape(widths, blocks), styles, seed, resolve_precision(precision))


def book_of(network, paintings, about=None):
    """The StyleBook of a trained network and the paintings that it was trained on, in the order of its table."""
    kernels = {name: np.asarray(kernel) for name, kernel in network.kernels.items()}
    table = np.asarray(network.table)
    manners = {each.name: Manner(each.name, table[i], each.colors) for i, each in enumerate(paintings)}
    return StyleBook(network.form.widths, network.form.blocks, kernels, manners, about or {})


def network_of_book(book, numbers, precision="auto"):
    """The FastNetwork with a book's convolutions, and a table of the styles' numbers (styles, numbers)."""
    network = new_network(book.widths, len(numbers), 0, precision, blocks=book.blocks)
    with computing():
        for name, kernel in network.kernels.items():
            kernel.assign(book.kernels[name])
        network.table.assign(np.asarray(numbers, np.float32))
    return network


def learn(painting, photographs, book, plan=LEARNING, weights=None):
    """Learn one more style of a trained network: a generator of (Manner so far, {part: cost}, step).

    Only the painting's own scales and shifts are changed, from those of the style of the book that is nearest.
    """
    start = nearest_manner(painting, photographs, book, plan, weights)
    network = network_of_book(book, start.numbers[np.newaxis], plan.precision)
    for trainer, parts in train([painting], photographs, plan, network, weights=weights, only_styles=True):
        yield Manner(painting.name, np.asarray(network.table)[0], painting.colors), parts, trainer.step


def nearest_manner(painting, photographs, book, plan, weights=None):
    """The Manner of the book whose numbers, with the painting's colours, already cost least against it."""
    manners = list(book.manners.values())
    network = network_of_book(book, [each.numbers for each in manners], plan.precision)
    with computing():
        perception = Perception(plan, [painting], photographs, weights)
        batch = draw_batch(photographs, [painting], replace(plan, batch=6, steady=0.0), 0)
        costs = []
        for number in range(len(manners)):
            shares = tf.one_hot([number] * 6, len(manners))
            costs.append(float(perception.style_cost(network(batch["photographs"], shares), batch["styles"])))
    return manners[int(np.argmin(costs))]
