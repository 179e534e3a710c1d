"""Build a MatConvNet VGG-19 file from the convolutions of a VGG-16 or VGG-19 as Keras publishes them.

    python pretrained-model/build.py SOURCE [OUT]

SOURCE is Keras' VGG-16 or VGG-19 .h5 file, or an .npz with its names (block1_conv1_kernel, block1_conv1_bias, ...).
OUT is by default the embedded model beside this script. Values are rounded to bfloat16 precision (8 significant
bits), so that the file compresses; --exact keeps them as they are.
"""

import argparse
import hashlib
from pathlib import Path

import numpy as np

from nst_utils.base.errors import InputError
from nst_utils.base.files import check_folder, replacing
from nst_utils.course.config import CONFIG
from nst_utils.network.matconvnet import write_matconvnet
from nst_utils.network.weights import EMBEDDED_NAME, find_weights, read_keras


def round_to_bfloat16(array):
    """float32 values rounded to the nearest bfloat16, ties to even, still as float32."""
    bits = np.ascontiguousarray(array, np.float32).view(np.uint32)
    rounded = bits + 0x7FFF + ((bits >> 16) & 1)
    return (rounded & np.uint32(0xFFFF0000)).view(np.float32)


def build(source, out, exact):
    weights = read_keras(find_weights(source))
    if not exact:
        weights = {name: tuple(round_to_bfloat16(array) for array in pair) for name, pair in weights.items()}
    with replacing(check_folder(out)) as temporary:
        write_matconvnet(temporary, weights, CONFIG.MEANS, f"VGG-19 layout, built by nst_utils from {source.name}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path)
    parser.add_argument("out", type=Path, nargs="?", default=Path(__file__).with_name(EMBEDDED_NAME))
    parser.add_argument("--exact", action="store_true", help="keep float32 precision")
    options = parser.parse_args()
    try:
        build(options.source, options.out, options.exact)
    except InputError as error:
        parser.exit(1, f"{error}\n")
    digest = hashlib.sha256(options.out.read_bytes()).hexdigest()
    print(f"{options.out}: {options.out.stat().st_size:,} bytes, SHA256 {digest}")


if __name__ == "__main__":
    main()
