"""Pictures that are computed, from a seed: a ceramic tile pattern, a turbulent flow, and paint stirred by such a flow.

    python gallery/computed.py

writes them into gallery/pictures, for the gallery and for whoever has no picture at hand. NumPy, SciPy and Pillow only.
"""

from collections import deque
from pathlib import Path

import numpy as np
from PIL import Image
from scipy import fft
from scipy.ndimage import binary_dilation, gaussian_filter, label, map_coordinates

PICTURES = Path(__file__).resolve().parent / "pictures"
# The tiles' colours, RGB.
COBALT, SKY, WHITE, OCHRE, GROUT = np.array(
    [(22, 54, 130), (96, 146, 206), (238, 236, 224), (226, 168, 48), (150, 138, 122)], float
)


def tile_pattern(size=(480, 480), tile=80, seed=0):
    """Blue, white and ochre tiles in the manner of azulejos, (H, W, 3) uint8: four of them make a rosette.

    size: (width, height). tile: side of one tile in pixels, its grout included.
    """
    fine = 3  # drawn that much larger, then averaged
    width, height = size
    random = np.random.default_rng(seed)
    row, column = np.mgrid[: height * fine, : width * fine] / (tile * fine)
    # Place in its tile, from -1 to 1, and distance and direction from the nearest corner and the middle.
    x, y = (2 * (each % 1) - 1 for each in (column, row))
    corner = np.hypot(1 - np.abs(x), 1 - np.abs(y))
    corner_angle = np.arctan2(1 - np.abs(y), 1 - np.abs(x))
    centre, angle = np.hypot(x, y), np.arctan2(y, x)
    picture = np.broadcast_to(WHITE, (*x.shape, 3)).copy()

    def paint(where, color):
        picture[where] = color

    petals = 0.30 + 0.22 * np.abs(np.cos(4 * corner_angle))
    paint(corner < 0.86, COBALT)
    paint(corner < 0.80, WHITE)
    paint(corner < 0.74, SKY)
    paint(corner < petals + 0.14, COBALT)
    paint(corner < petals + 0.08, WHITE)
    paint(corner < petals - 0.04, COBALT)
    paint(corner < 0.2, OCHRE)
    paint(corner < 0.1, COBALT)
    star = 0.36 + 0.16 * np.cos(4 * angle)
    paint(centre < star, COBALT)
    paint(centre < star - 0.07, OCHRE)
    paint(centre < star - 0.18, WHITE)
    paint(centre < 0.12, COBALT)
    leaf = np.minimum(np.abs(x), np.abs(y)) < 0.16 * (1 - np.maximum(np.abs(x), np.abs(y))) ** 0.5
    paint(leaf & (centre > 0.5), COBALT)
    # The brush has left more cobalt here than there, the kiln has made no two tiles alike, and the glaze shines.
    picture += 16 * _noise(x.shape, 5 * fine, random)[..., np.newaxis]
    tones = random.normal(0, 7, (height // tile + 1, width // tile + 1, 3)) * (1, 0.8, 0.9)
    picture += tones[row.astype(int), column.astype(int)]
    edge = np.maximum(np.abs(x), np.abs(y))
    rim = np.clip((edge - 0.82) / 0.12, 0, 1)
    picture += (22 * rim * np.where(np.abs(x) > np.abs(y), -np.sign(x), -np.sign(y)))[..., np.newaxis]
    shine = np.exp(-(((x + 0.35) / 0.5) ** 2 + ((y + 0.5) / 0.22) ** 2))
    picture += (34 * shine)[..., np.newaxis]
    joint = GROUT + 14 * _noise(x.shape, fine, random)[..., np.newaxis]
    picture = np.where((edge > 0.945)[..., np.newaxis], joint, picture)
    return _uint8(picture.reshape(height, fine, width, fine, 3).mean(axis=(1, 3)))


def turbulent_flow(size=(400, 300), seed=2, time=3.5):
    """The vorticity of a flow that has become turbulent, in colour, (H, W, 3) uint8: jets roll up into vortices."""
    ((vorticity, _),) = deque(_flow(size, seed, time), maxlen=1)
    whole = _enlarged(vorticity, size)
    strength = np.tanh(whole / (1.6 * whole.std()))
    return _uint8(_colored((strength + 1) / 2, ((8, 20, 52), (24, 88, 148), (120, 196, 214), (246, 240, 222),
                                               (244, 178, 84), (204, 70, 40), (78, 12, 34))))


def fluid_painting(size=(400, 300), seed=5, time=0.18):
    """Paint poured in streaks and stirred by a turbulent flow, (H, W, 3) uint8: nothing but colour and movement."""
    width, height = (2 * side for side in size)  # drawn twice as large, then averaged
    position = np.mgrid[:height, :width].astype(float)
    # Where does the paint at each pixel come from? The way back through the flow, whose scale is that of its grid.
    way = [(step, velocity) for _, (step, velocity) in _flow(size, seed, time)]
    for step, velocity in reversed(way):
        at = position * (np.array(velocity[0].shape) / (height, width))[:, np.newaxis, np.newaxis]
        moved = [map_coordinates(each, at, order=1, mode="grid-wrap") for each in velocity]
        position -= step * np.array(moved) * height
    random = np.random.default_rng(seed)
    poured, streaks = (_noise((height, width), height / part, random, wrap=True) for part in (14, 140))
    poured, streaks = (map_coordinates(each, position, order=1, mode="grid-wrap") for each in (poured, streaks))
    poured += 1.4 * np.sin(2 * np.pi * 3 * position[1] / width)
    shade = 0.5 + 0.5 * np.sin(1.5 * poured + 0.35 * streaks)
    paint = _colored(shade, ((104, 20, 92), (214, 64, 106), (250, 226, 194), (246, 192, 66), (60, 178, 160),
                             (8, 84, 116)))
    # Wet paint has ridges, and a light from the upper left.
    relief = gaussian_filter(poured + 0.25 * streaks, 2)
    light = -np.gradient(relief, axis=0) - np.gradient(relief, axis=1)
    paint += 26 * np.tanh(light / (2 * light.std()))[..., np.newaxis]
    return _uint8(paint.reshape(height // 2, 2, width // 2, 2, 3).mean(axis=(1, 3)))


def sky_mask(photograph):
    """Where a photograph shows sky, (H, W) uint8 with soft edges: pale or blue, smooth, joined to the upper border."""
    photograph = np.asarray(photograph, float)
    grey = photograph.mean(axis=-1)
    rough = gaussian_filter(np.abs(grey - gaussian_filter(grey, 2)), 3)
    pale = photograph[..., 2] > 0.92 * photograph.max(axis=-1)
    pale &= grey > 105
    parts, _ = label(pale & (rough < 6))
    sky = np.isin(parts, np.setdiff1d(parts[: len(parts) // 40 + 1], [0]))
    sky = binary_dilation(sky, iterations=9, mask=pale)  # up to the edges, which are not smooth
    return _uint8(255 * gaussian_filter(sky.astype(float), 1.5))


def gradient(size=(400, 300)):
    """From black on the left to white on the right, (H, W) uint8, with a quarter of each left as it is."""
    width, height = size
    across = np.clip(2 * np.arange(width) / width - 0.5, 0, 1)
    return _uint8(np.broadcast_to(255 * across * across * (3 - 2 * across), (height, width)))


def _flow(size, seed, time, grid=128):
    """(vorticity, (dt, (v, u))) at each step of a two-dimensional flow without walls.

    The vorticity equation in Fourier space (a pseudo-spectral method): products are taken in space, two thirds of the
    waves are kept (Orszag 1971), the steps are Shu and Osher's of third order (1988), and a hyperviscosity damps the
    highest waves. Lengths are in heights of the picture, `grid` points each.
    """
    width, height = size
    shape = grid, 2 * round(grid * width / height / 2)
    aspect = shape[1] / shape[0]
    ky = 2 * np.pi * np.fft.fftfreq(shape[0], 1 / shape[0])[:, np.newaxis]
    kx = 2 * np.pi * np.fft.rfftfreq(shape[1], 1 / shape[1])[np.newaxis] / aspect
    squared = kx**2 + ky**2
    inverse = np.where(squared > 0, 1 / np.maximum(squared, 1e-9), 0)
    kept = (np.abs(ky) < np.abs(ky).max() * 2 / 3) & (kx < kx.max() * 2 / 3)
    # Two jets side by side, which are unstable, and a little of everything else to be unstable with.
    y = np.arange(shape[0])[:, np.newaxis] / shape[0]
    random = np.random.default_rng(seed)
    speed = 1.2 * np.cos(2 * np.pi * 2 * y) * np.ones(shape)
    w = -1j * ky * fft.rfft2(speed)
    w = (w + fft.rfft2(6 * _noise(shape, grid / 26, random, wrap=True))) * kept
    dt = 0.3 / grid
    damping = np.exp(-0.2 * (squared / (squared * kept).max()) ** 2)

    def change(w):
        u, v = fft.irfft2(1j * ky * w * inverse, shape), fft.irfft2(-1j * kx * w * inverse, shape)
        wx, wy = fft.irfft2(1j * kx * w, shape), fft.irfft2(1j * ky * w, shape)
        return -fft.rfft2(u * wx + v * wy) * kept, (v, u)

    for _ in range(round(time / dt)):
        slope, velocity = change(w)
        first = w + dt * slope
        second = (3 * w + first + dt * change(first)[0]) / 4
        w = damping * (w + 2 * second + 2 * dt * change(second)[0]) / 3
        yield fft.irfft2(w, shape), (dt, velocity)


def _enlarged(field, size):
    """A periodic field at (width, height): its waves are what they were."""
    rows, columns = (np.arange(n) * (m / n) for n, m in zip(size[::-1], field.shape, strict=True))
    return map_coordinates(field, np.meshgrid(rows, columns, indexing="ij"), order=3, mode="grid-wrap")


def _noise(shape, scale, random, wrap=False):
    """Smooth noise of deviation 1, whose spots are about `scale` pixels large."""
    noise = gaussian_filter(random.normal(size=shape), scale, mode="wrap" if wrap else "reflect")
    return noise / noise.std()


def _colored(values, colors):
    """Values (H, W), 0 to 1, as colours (H, W, 3) along a scale of them."""
    at = np.linspace(0, 1, len(colors))
    return np.stack([np.interp(values, at, channel) for channel in np.transpose(colors)], axis=-1)


def _uint8(picture):
    return np.rint(np.clip(picture, 0, 255)).astype(np.uint8)


def write_pictures(photograph):
    """Write all of them into gallery/pictures; the sky is that of the photograph at the path."""
    PICTURES.mkdir(exist_ok=True)
    with Image.open(photograph) as image:
        sky = sky_mask(image.convert("RGB"))
    for name, picture in {
        "tiles.jpg": tile_pattern(), "flow.jpg": turbulent_flow(), "fluid.jpg": fluid_painting(),
        "sky.png": sky, "gradient.png": gradient(),
    }.items():
        Image.fromarray(picture).save(PICTURES / name, quality=92)


if __name__ == "__main__":
    write_pictures(PICTURES.parents[1] / "images/content/summer-palace.jpg")
