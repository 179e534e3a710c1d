"""How much memory a run may take, and what it makes of it: tiles, and the length of L-BFGS's history."""

from nst_utils.base.errors import InputError
from nst_utils.base.machine import machine_memory
from nst_utils.base.tensorflow import device_memory

# Resident bytes per pixel of one evaluation, measured with benchmarks/scale.py.
BYTES_PER_PIXEL = {"float32": 2700, "bfloat16": 1500}
# Measured with benchmarks/scale.py: resident bytes of the program itself, with TensorFlow and the weights; pictures
# held at one time; pixels of a tile in which the halo is no great matter, and of the smallest worth computing.
PROGRAM_BYTES, WORKING_VECTORS = 1_100_000_000, 10
GOOD_TILE, SMALLEST_TILE = 1000 * 1000, 300 * 300
# What the weights and TensorFlow's own buffers take of a GPU's memory, at most.
DEVICE_BYTES = 500_000_000
# Of the method neighbours, for each pixel: the vectors of photograph, painting and targets, for one place in 16 pixels.
VECTOR_BYTES = 110


def needed_memory(size, settings):
    """Bytes that a run of this size takes: in one piece if settings.max_memory allows, in tiles within it otherwise.

    A precision of "auto" counts as float32, the larger, so that nobody has to import TensorFlow for the answer.
    """
    per_pixel = BYTES_PER_PIXEL.get(settings.precision, BYTES_PER_PIXEL["float32"])
    length = settings.history_length if settings.optimizer == "lbfgs" else 0
    vectors = (2 * length + WORKING_VECTORS) * 3 * 4
    if settings.method == "neighbours":
        vectors += VECTOR_BYTES
    whole = PROGRAM_BYTES + size[0] * size[1] * (per_pixel + vectors)
    allowed = machine_memory()
    return int(min(whole, settings.max_memory or 0.75 * allowed, allowed))


def plan_memory(size, settings):
    """The length of the optimiser's history and the most pixels of a tile that fit into settings.max_memory bytes.

    The history, settings.history_length pairs where they fit, gives way to the tile, down to three. By default three
    quarters of the machine's memory, or of the container's, are used. On a GPU, whose memory holds the evaluation
    alone, a tile fits into that as well. The plan depends on nothing else, so that it never changes a picture from one
    run to the next.
    """
    vector = 3 * 4 * size[0] * size[1]
    whole = machine_memory()
    budget = min(settings.max_memory or int(0.75 * whole), whole)
    vectors = VECTOR_BYTES * size[0] * size[1] if settings.method == "neighbours" else 0
    per_pixel = BYTES_PER_PIXEL[settings.precision]

    def tile(length):
        return int((budget - PROGRAM_BYTES - vectors - (2 * length + WORKING_VECTORS) * vector) // per_pixel)

    length = settings.history_length if settings.optimizer == "lbfgs" else 0
    while length > 3 and tile(length) < min(GOOD_TILE, size[0] * size[1]):
        length -= 1
    pixels = tile(length)
    if pixels < SMALLEST_TILE:
        need = budget + (SMALLEST_TILE - pixels) * per_pixel
        own = settings.max_memory and settings.max_memory <= whole
        remedy = "allow more with --max-memory" if own else "raise what the system allows this program"
        raise InputError(
            f"A picture of {size[0]}x{size[1]} needs about {need / 1e9:.1f} GB, but only {budget / 1e9:.1f} GB may be "
            f"used: {remedy}, or make the picture smaller."
        )
    if (device := device_memory()) is not None:
        pixels = min(pixels, max(SMALLEST_TILE, int((0.9 * device - DEVICE_BYTES) // per_pixel)))
    return length, pixels
