"""One round of fuzzing one reader, in a process of its own; benchmarks/fuzz.py runs it and tells what came of it.

    python benchmarks/fuzz_targets.py READER FOLDER RUNS SEED

A reader takes a file of bytes and gives a result or an InputError of one sentence. Anything else is a finding: another
exception, more than MOST_SECONDS of the processor, more than MOST_MEMORY beyond what the process took before. Findings
are kept in FOLDER/findings and the round goes on; what ends the process is kept by libFuzzer itself.

Where a checksum or a compression would stop nearly every change at the door, the changes are made behind it: the
chunks of a PNG, the variables of a .mat file and the members of an .npz are unpacked, changed and packed again.
"""

import atexit
import contextlib
import hashlib
import inspect
import io
import json
import mmap
import os
import random
import resource
import shutil
import struct
import sys
import time
import traceback
import warnings
import zipfile
import zlib
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import atheris
import numpy as np
import scipy.io
from fuzz import MOST_BYTES, MOST_MEMORY, MOST_PIXELS, MOST_SECONDS, MOST_UNPACKED
from PIL import Image, ImageCms

from nst_utils.base.errors import InputError
from nst_utils.engine.checkpoint import STEP, Standing, read_checkpoint, write_checkpoint
from nst_utils.engine.objective import Costs
from nst_utils.engine.optimizers import Evaluation
from nst_utils.engine.run import State
from nst_utils.engine.settings import Settings, read_settings
from nst_utils.network import matconvnet, matfile, weights
from nst_utils.network.layout import CONVOLUTIONS
from nst_utils.pictures import reading

# Of these modules, coverage guides the changes.
GUIDES = (
    "nst_utils.base.files", "nst_utils.engine", "nst_utils.network", "nst_utils.pictures.reading",
    "numpy.lib._format_impl", "numpy._core.memmap", "zipfile", "tomllib", "json.decoder", "json.scanner", "PIL",
)  # fmt: skip
# Numbers that lengths and types are replaced by.
NUMBERS = (
    0, 1, 2, 3, 4, 7, 8, 15, 16, 127, 128, 255, 256, 0x7FFF, 0x8000, 0xFFFF, 1 << 20, 0x7FFFFFFF, 1 << 31, 0xFFFFFFFF,
)  # fmt: skip


# The networks that the seeds hold


def network(width=1):
    """{name: (kernel, bias)} of VGG-19's convolutions, `width` channels each."""
    found, channels = {}, 3
    for name in CONVOLUTIONS:
        found[name] = np.full((3, 3, channels, width), 0.5, np.float32), np.ones(width, np.float32)
        channels = width
    return found


def saved(write, suffix=""):
    """What a function that takes a path writes there."""
    path = Path(PLACE).with_suffix(f".seed{suffix}")
    write(path)
    found = path.read_bytes()
    path.unlink()
    return found


class Reader:
    """A reader under test: seeds() are files that it takes, mutate() changes one, read() reads the file at PLACE."""

    suffix, words = "", ()

    def seeds(self):
        raise NotImplementedError

    def read(self, path):
        raise NotImplementedError

    def mutate(self, data, draw):
        """The bytes, changed behind their checksums; None where that cannot be."""
        return None


class Matconvnet(Reader):
    suffix = ".mat"
    words = (b"layers", b"weights", b"filters", b"biases", b"type", b"name", b"conv", b"conv1_1", b"conv5_4", b"meta")

    def seeds(self):
        whole = self._net(CONVOLUTIONS, compressed=False)
        yield from (whole, self._net(CONVOLUTIONS, compressed=True), self._net(("conv1_1",), compressed=False))
        yield self._net(("conv1_1",), compressed=True)
        yield self._net(("conv1_1",), compressed=True, fields=("filters", "biases"))
        yield self._net(("conv1_1",), compressed=False, fields=("filters", "biases"))
        yield saved(lambda path: matconvnet.write_matconvnet(path, network(), (1, 2, 3), "tiny"))
        others = {
            "text": "a text", "many": np.array(["ab", "cd"]), "flag": np.array([True, False]),
            "sparse": scipy.sparse.eye(3).tocsc(), "complex": np.array([1 + 2j]), "whole": np.arange(5, dtype=np.int8),
            "struct": {"a": 1, "b": "x"},
        }
        for name, value in others.items():
            yield saved(lambda path, value=value: scipy.io.savemat(path, {"layers": value}, appendmat=False))
            yield saved(lambda path, n=name, v=value: scipy.io.savemat(path, {n: v, "layers": v}, appendmat=False))
        for value in (np.eye(2), "text"):
            yield saved(
                lambda path, value=value: scipy.io.savemat(path, {"layers": value}, appendmat=False, format="4")
            )
        yield whole[:124] + b"\x00\x02IM" + bytes(400)

    def _net(self, names, compressed, fields=("weights",)):
        layers = []
        for name in names:
            parts = network()[name]
            told = {"weights": matconvnet._cell(*parts)} if len(fields) == 1 else dict(zip(fields, parts, strict=True))
            layers.append(matconvnet._struct(name=name, type="conv", **told))
        content = {"layers": matconvnet._cell(*layers)}
        return saved(lambda path: scipy.io.savemat(path, content, do_compression=compressed, appendmat=False))

    def read(self, path):
        found = matconvnet.read_matconvnet(path)
        assert list(found) == list(CONVOLUTIONS)

    def mutate(self, data, draw):
        order = ">" if data[126:128] == b"MI" else "<"
        elements, at = [], 128
        while at + 8 <= len(data) and len(elements) < 50:
            kind, size = struct.unpack_from(order + "II", data, at)
            if size > len(data):
                break
            elements.append((at, kind, size))
            at += 8 + size
        if not elements:
            return None
        at, kind, size = draw.choice(elements)
        content = data[at + 8 : at + 8 + size]
        packed = kind == 15
        if packed:
            content = unpacked(content)
        content = self._changed(content, order, draw)
        if packed and draw.random() < 0.9:
            content = zlib.compress(content, 1)
        else:
            # Without its compression, a variable is its own element.
            return data[:at] + (content if packed else struct.pack(order + "II", kind, len(content)) + content) + data[
                at + 8 + size :
            ]
        return data[:at] + struct.pack(order + "II", 15, len(content)) + content + data[at + 8 + size :]

    def _changed(self, content, order, draw):
        if draw.random() < 0.5 or len(content) < 16:
            return atheris.Mutate(content, len(content) + 64)
        found = bytearray(content)
        for _ in range(draw.choice((1, 1, 2, 4))):
            what = draw.random()
            at = draw.randrange(0, len(found) - 3) & ~3
            if what < 0.6:  # a type, a length, a dimension, a flag
                struct.pack_into(order + "I", found, at, draw.choice(NUMBERS))
            elif what < 0.8:  # one element in another's place
                other = draw.randrange(0, len(found)) & ~7
                size = 8 * draw.randrange(1, 12)
                found[at : at + size] = found[other : other + size]
            else:
                del found[at : at + 4 * draw.randrange(1, 6)]
            if len(found) < 16:
                break
        return bytes(found)


class Cache(Reader):
    suffix = ".nst-cache"
    words = (weights._MAGIC,)

    def seeds(self):
        for width in (1, 2):
            yield saved(lambda path, width=width: weights._write_cache(path, self.stamp, network(width)))

    stamp = {"version": weights._CACHE_VERSION, "bytes": 1000, "modified_ns": 1_700_000_000_000_000_000}

    def read(self, path):
        found = weights._read_cache(path, self.stamp)
        if found is not None:
            sound = {name: (np.zeros(k.shape), np.zeros(b.shape)) for name, (k, b) in found.items()}
            matconvnet.check_network(sound, path)
            assert all(part.dtype == np.float32 for parts in found.values() for part in parts)
            for parts in found.values():  # all of it can be read
                assert all(isinstance(float(part.sum()), float) for part in parts)

    def mutate(self, data, draw):
        """The numbers of the head, which the length has to fit: with the length of other layers, as often as not."""
        size = weights._HEAD.itemsize
        if len(data) < size:
            return None
        head = np.frombuffer(bytearray(data[:size]), weights._HEAD)
        widths = head["widths"][0]
        for _ in range(draw.choice((1, 1, 2, 16))):
            widths[draw.randrange(len(widths))] = draw.choice((1, 1, 2, 3, 5, 0, -1, 1 << 15, 2**31 - 1))
        content = data[size:]
        if draw.random() < 0.5:
            with contextlib.suppress(ValueError):
                length = weights._record(widths.tolist()).itemsize + draw.choice((0, 0, 0, -4, 4))
                content = (content * (1 + length // max(1, len(content))))[:length] if length < MOST_BYTES else content
        return head.tobytes() + content


class Pictures(Reader):
    words = tuple(
        b"IHDR IDAT PLTE tRNS iCCP eXIf acTL fcTL fdAT zTXt iTXt RIFF WEBP VP8X VP8L ANIM ANMF ALPH ICCP EXIF GIF89a "
        b"NETSCAPE2.0 8BPS icns ftypavif DDS qoif P6 MPF Exif ICC_PROFILE".split()
    ) + (b"II*\x00", b"MM\x00*", b"jP  ")
    chunks = b"IDAT tRNS PLTE iCCP zTXt iTXt eXIf acTL fcTL fdAT pHYs cHRM".split()

    def seeds(self):
        y, x = np.mgrid[:6, :5]
        rgb = Image.fromarray(np.stack([40 * x, 40 * y, 100 + x + y], -1).astype(np.uint8))
        grey, alpha = rgb.convert("L"), rgb.copy()
        alpha.putalpha(grey)
        profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()[:600]
        real = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
        exif = Image.Exif()
        exif[0x0112] = 6
        modes = {
            "rgb": rgb, "grey": grey, "alpha": alpha, "palette": rgb.quantize(8), "bits": grey.convert("1"),
            "grey alpha": grey.convert("LA"), "cmyk": rgb.convert("CMYK"), "float": grey.convert("F"),
            "sixteen": Image.fromarray(np.asarray(grey).astype(np.uint16) * 257), "whole": grey.convert("I"),
        }  # fmt: skip
        two = {"save_all": True, "append_images": [rgb]}
        packed = ("tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg", "group4", "tiff_ccitt")
        options = {
            "PNG": [{}, {"icc_profile": profile}, {"exif": exif}, {"transparency": 3}, two],
            "JPEG": [{}, {"progressive": True}, {"exif": exif}, {"icc_profile": real}],
            "WEBP": [{}, {"lossless": True}, {"exif": exif, "icc_profile": profile}, two],
            "GIF": [{}, {"save_all": True, "append_images": [rgb.quantize(4)]}, {"interlace": 1}],
            "TIFF": [{}, *({"compression": each} for each in packed), two, {"exif": exif}, {"big_tiff": True}],
            "ICO": [{"sizes": [(5, 6)]}, {"sizes": [(4, 4)], "bitmap_format": "bmp"}],
            "TGA": [{}, {"compression": "tga_rle"}], "DDS": [{}, *({"pixel_format": f"DXT{i}"} for i in (1, 3, 5))],
            "SGI": [{}], "BMP": [{}], "PPM": [{}], "PCX": [{}], "JPEG2000": [{}, {"irreversible": True}], "AVIF": [{}],
            "IM": [{}], "MSP": [{}], "XBM": [{}], "SPIDER": [{}], "BLP": [{"blp_version": "BLP2"}], "QOI": [{}],
            "MPO": [two], "DIB": [{}], "ICNS": [{}],
        }  # fmt: skip
        for kind, each in options.items():
            for image in modes.values():
                for option in each:
                    buffer = io.BytesIO()
                    try:
                        image.save(buffer, kind, **option)
                    except Exception:  # a format that cannot hold this mode
                        continue
                    yield buffer.getvalue()
        yield self._interlaced()

    def _interlaced(self):
        head = struct.pack(">IIBBBBB", 5, 6, 8, 2, 0, 0, 1)
        parts = ((b"IHDR", head), (b"IDAT", zlib.compress(bytes(200))), (b"IEND", b""))
        return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*each) for each in parts)

    def read(self, path):
        reading.read_size(path)
        found = reading.read_image(path, 500_000)
        assert found.dtype == np.uint8 and found.ndim == 3 and found.shape[2] == 3 and 0 < found.size <= 1_500_000

    def mutate(self, data, draw):
        begin = data.find(b"\x89PNG\r\n\x1a\n")  # which others hold, too
        if begin < 0:
            return None
        chunks, at = [], begin + 8
        while at + 8 <= len(data) and len(chunks) < 40:
            size, kind = struct.unpack_from(">I4s", data, at)
            chunks.append([kind, data[at + 8 : at + 8 + size]])
            at += 12 + size
        if not chunks:
            return None
        each, what = draw.choice(chunks), draw.random()
        if what < 0.1:
            chunks.insert(draw.randrange(len(chunks)), list(draw.choice(chunks)))
        elif what < 0.15:
            chunks.remove(each)
        elif what < 0.2:
            each[0] = draw.choice(self.chunks)
        elif what < 0.5 and each[0] in (b"IDAT", b"iCCP", b"zTXt"):
            skipped = each[1].find(b"\x00") + 2 if each[0] != b"IDAT" else 0
            content = unpacked(each[1][skipped:])
            each[1] = each[1][:skipped] + zlib.compress(atheris.Mutate(content, len(content) + 64), 1)
        else:
            each[1] = atheris.Mutate(each[1], len(each[1]) + 64)
        return data[: begin + 8] + b"".join(chunk(*each) for each in chunks)


class SettingsFile(Reader):
    suffix = ".toml"

    @property
    def words(self):
        names = [each.encode() for each in Settings.__dataclass_fields__]
        values = (
            b"lbfgs adam adagrad gram neighbours quick fine color mix noise content luminance palette average max auto "
            b"float32 bfloat16 conv1_1 conv5_4 avgpool5 rest all 400x300 2GB 1.5GiB inf nan -1 0 1e308 1e-308 true "
            b"false null 0x10 1_000 settings photo style out [[ ]] { } \"\"\" ''' \\u0000 \" ="
        ).split()
        return [*names, *values, *(name + b" = " for name in names)]

    def seeds(self):
        yield b"alpha = 5\nbeta = 1e3\n"
        yield b'size = "400x300"\nmax_memory = "2GB"\nstyle_weights = "2,1"\nmasks = "a.png,rest"\n'
        yield b'size = [400, 300]\nstyle_layers = [["conv1_1", 0.5], ["conv2_1", 1]]\ncontent_layers = "conv4_2"\n'
        yield b'method = "neighbours"\nquality = "normal"\nstyle_scale = [1, 2.5]\niterations = 4\n'
        yield b'[style_layers]\nconv1_1 = 1\n"conv3_1" = 0.25\n'
        yield b'init = "noise"\noptimizer = "adam"\nlearning_rate = 2\nseed = 3\nepsilon = 1e-8\npooling = "max"\n'
        yield json.dumps({"settings": Settings.of().plain() | {"content": "a.jpg", "out": "b.png"}}).encode()
        for name, each in Settings.__dataclass_fields__.items():
            value = getattr(Settings.of(), name) or each.default
            if value is not None:
                yield f"{name} = {json.dumps(value)}\n".encode()
                yield json.dumps({name: value}).encode()
                yield f"{name} = {json.dumps(str(value))}\n".encode()

    def read(self, path):
        found = Settings.of(**read_settings(path))
        assert found.plain()

    def mutate(self, data, draw):
        lines = data.split(b"\n")
        words = self.all_words
        at = draw.randrange(len(lines))
        what = draw.random()
        if what < 0.3:
            lines[at] = draw.choice(words[: len(Settings.__dataclass_fields__)]) + b" = " + self._value(draw)
        elif what < 0.5:
            lines.insert(at, draw.choice(words[: len(Settings.__dataclass_fields__)]) + b" = " + self._value(draw))
        elif what < 0.7:
            name, equals, _ = lines[at].partition(b"=")
            lines[at] = name + equals + self._value(draw)
        else:
            return None
        return b"\n".join(lines)

    def _value(self, draw, deep=0):
        what = draw.random()
        if what < 0.2:
            whole = (0, 1, -1, 31, 32, 10**9, 2**63, -(2**64), 10**30, 10**320, 10 ** draw.randrange(4200))
            return b"%d" % draw.choice(whole) if draw.random() < 0.9 else b"0x" + b"f" * draw.randrange(1, 5000)
        if what < 0.4:
            return b"%r" % draw.choice((0.0, -0.0, 1e308, 5e-324, 0.5, float("inf"), float("nan"), -1.5))
        if what < 0.6:
            return b'"' + draw.choice(self.all_words).replace(b'"', b"") + b'"'
        if what < 0.7:
            texts = (
                b"9" * draw.randrange(5000), b"1" * 400 + b"GB", b"9" * 5000 + b"x3", b"a\\nb", b"\\u0000",
                b"\xe2\x82\xac", b"conv1_1=1,conv1_1=" + b"9" * 400,
            )  # fmt: skip
            return b'"' + draw.choice(texts) + b'"'
        if what < 0.9 and deep < 3:
            return b"[" + b", ".join(self._value(draw, deep + 1) for _ in range(draw.randrange(4))) + b"]"
        others = (
            b"true", b"false", b"1979-05-27", b"07:32:00", b"1979-05-27T07:32:00Z", b"{}", b"{conv1_1 = 1}", b"[[]]",
        )  # fmt: skip
        return draw.choice(others)


class Checkpoint(Reader):
    suffix = ".npz"

    about = {
        "photo": "a", "paintings": ["b"], "masks": [None], "style_weights": [[1.0, 1.0]],
        "style_scale": [[1.0]], "style_angle": [[0.0]],
        "start": None, "size": [3, 2], "weights": "c" * 8, "settings": {"alpha": 10, "seed": 0},
    }  # fmt: skip

    def seeds(self):
        picture = np.zeros((2, 3, 3), np.float32)
        now = Evaluation(picture, Costs(1.0, 2.0, 3.0, 0.0), 1.0, picture)
        state = State(0, 1, False, 1, now, ((picture, picture, 2.0),), "conv3_1", np.zeros((1, 1), np.int32), None, 1.0)
        plan = {"phases": [], "max_pixels": 100, "history_length": 10}
        for standing in (
            Standing(self.about), Standing(self.about, plan, state.arrays(), np.ones((2, len(STEP))), 1, 3),
            Standing(self.about | {"paintings": ["d", "b"], "settings": {}}, plan, State().arrays(), stopped="cost"),
        ):
            yield saved(lambda path, standing=standing: write_checkpoint(path, standing), ".npz")
        buffer = io.BytesIO()
        np.savez_compressed(buffer, about=np.array("{}"), history=np.zeros((0, 10)))
        yield buffer.getvalue()

    def read(self, path):
        read_checkpoint(path, whole=False)
        standing = read_checkpoint(path)
        try:
            State.of_arrays(standing.state)
        except Exception:  # which stylize() tells in a sentence
            pass
        standing.refuse_other(self.about, path)

    def mutate(self, data, draw):
        members = members_of(data)
        if not members:
            return None
        each, what = draw.choice(members), draw.random()
        if what < 0.1:
            members.remove(each)
        elif what < 0.2:
            others = ("about", "history.npy", "words.npy", "../x.npy")
            each[0] = draw.choice(members)[0] if draw.random() < 0.5 else draw.choice(others)
        elif what < 0.65 and (at := each[1].find(b"{", 128)) > 0:
            each[1] = self._other_words(each[1], at, draw)
        elif what < 0.8:
            each[1] = atheris.Mutate(each[1], len(each[1]) + 64)
        else:
            head = min(len(each[1]), 128)
            each[1] = atheris.Mutate(each[1][:head], 160) + each[1][head:]
        buffer = io.BytesIO()
        try:
            with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w") as archive:
                warnings.simplefilter("ignore")
                for name, content in members:
                    kind = zipfile.ZIP_DEFLATED if draw.random() < 0.03 else zipfile.ZIP_STORED
                    archive.writestr(zipfile.ZipInfo(name), content, kind)
        except ValueError:
            return None
        return buffer.getvalue()

    def _other_words(self, content, at, draw):
        """The JSON text in an array (UTF-32), another one, in a sound header."""
        try:
            told = json.loads(np.load(io.BytesIO(content)).item())
        except Exception:
            return content
        for _ in range(draw.choice((1, 1, 2, 3))):
            self._change(told, draw)
        buffer = io.BytesIO()
        np.save(buffer, np.array(json.dumps(told)))
        return buffer.getvalue()

    def _change(self, told, draw):
        """Change a random place of nested dicts and lists."""
        while isinstance(told, (dict, list)) and told:
            key = draw.choice(list(told)) if isinstance(told, dict) else draw.randrange(len(told))
            if isinstance(told[key], (dict, list)) and told[key] and draw.random() < 0.7:
                told = told[key]
                continue
            what = draw.random()
            if what < 0.15:
                del told[key]
            else:
                told[key] = draw.choice((
                    None, True, 0, 1, -1, 10**400, 1e400, 0.5, "", "x", "a\nb", [], {}, [[]], [1, 2], ["a", 1],
                    {"a": {}}, [None], "9" * 3000, [{}, 1, "b"],
                ))  # fmt: skip
            return


READERS = {
    "matconvnet": Matconvnet(), "cache": Cache(), "pictures": Pictures(), "settings": SettingsFile(),
    "checkpoint": Checkpoint(),
}  # fmt: skip


# Packing and unpacking


def unpacked(content):
    try:
        return zlib.decompressobj().decompress(content, 1 << 16)
    except zlib.error:
        return content


def chunk(kind, content):
    """A chunk of a PNG with its checksum."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def members_of(data):
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if sum(each.file_size for each in archive.infolist()) > 1 << 17:
                return None
            return [[each.filename, archive.read(each)] for each in archive.infolist()]
    except Exception:  # no archive any more
        return None


# Watching


class Watch:
    """Reads one input after the other, and keeps what should not have been."""

    def __init__(self, name, folder):
        self.reader, self.folder = READERS[name], Path(folder)
        self.findings = self.folder / "findings"
        self.findings.mkdir(parents=True, exist_ok=True)
        self.path = Path(PLACE).with_suffix(self.reader.suffix)
        with (self.folder / "count").open("w+b") as file:
            file.write(bytes(8))
            file.flush()
            self.count = memoryview(mmap.mmap(file.fileno(), 8)).cast("q")
        self._memory = None

    def __call__(self, data):
        self.count[0] += 1
        with open(self.path, "wb", buffering=0) as file:
            file.write(data)
        began = time.thread_time()
        try:
            self.reader.read(self.path)
        except InputError as error:
            if "\n" in str(error) or len(str(error)) > 1000:
                self._keep(data, "words", str(error)[:2000], "words " + _place_of(error))
        except Exception as error:
            self._keep(data, "exception", traceback.format_exc(), _place_of(error))
        seconds = time.thread_time() - began
        if seconds > MOST_SECONDS:
            self._keep(data, "seconds", f"{seconds:.1f} s", f"seconds {seconds:.0f}")
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
        if self._memory is None or self.count[0] < 20:
            self._memory = peak
        elif peak > self._memory + MOST_MEMORY:
            self._keep(data, "memory", f"{(peak - self._memory) >> 20} MiB", f"memory {(peak - self._memory) >> 24}")
            Path("/proc/self/clear_refs").write_text("5")

    def mutate(self, data, most, seed):
        draw = random.Random(seed)
        if draw.random() < 0.6:
            changed = self.reader.mutate(data, draw)
            if changed is not None and len(changed) <= most:
                return changed
        return atheris.Mutate(data, most)

    def _keep(self, data, kind, words, what):
        name = f"{kind}-{hashlib.sha256(what.encode()).hexdigest()[:8]}"
        if not (self.findings / name).exists():
            (self.findings / name).write_bytes(data)
            (self.findings / f"{name}.txt").write_text(words, encoding="utf-8", errors="replace")
            print(f"FINDING {name}: {words.strip().splitlines()[-1][:200]}", file=sys.stderr, flush=True)


def _place_of(error):
    frames = traceback.extract_tb(error.__traceback__)[-2:]
    return f"{type(error).__name__} " + " ".join(f"{Path(each.filename).name}:{each.name}" for each in frames)


def instrument():
    """Let the functions of the GUIDES tell libFuzzer what they come through."""
    for name, module in sorted(sys.modules.items()):
        if module is None or not any(name == each or name.startswith(f"{each}.") for each in GUIDES):
            continue
        places = [module, *(each for _, each in inspect.getmembers(module, inspect.isclass) if each.__module__ == name)]
        for place in places:
            for each in list(vars(place).values()):
                each = getattr(each, "__func__", getattr(each, "fget", each))
                if inspect.isfunction(each) and each.__module__ == name and each not in DONE:
                    DONE.add(each)
                    atheris.instrument_func(each)


DONE = set()


def main(name, folder, runs, seed):
    warnings.simplefilter("ignore")
    reading.MOST_PIXELS, Image.MAX_IMAGE_PIXELS = MOST_PIXELS, MOST_PIXELS // 2
    matfile.MOST_UNPACKED = MOST_UNPACKED
    Image.init()
    watch, corpus = Watch(name, folder), Path(folder) / "corpus"
    corpus.mkdir(exist_ok=True)
    if not any(corpus.iterdir()):
        for data in watch.reader.seeds():
            (corpus / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)
    words = watch.reader.all_words = list(watch.reader.words)
    listed = Path(folder) / "words"
    listed.write_text("".join('"' + "".join(f"\\x{byte:02x}" for byte in word) + '"\n' for word in words))
    arguments = [
        sys.argv[0], f"-runs={runs}", f"-seed={seed}", f"-max_len={MOST_BYTES}", "-timeout=60", "-rss_limit_mb=4096",
        f"-artifact_prefix={watch.findings}/", "-print_final_stats=1", "-len_control=0", "-verbosity=1",
        *([f"-dict={listed}"] if words else []), str(corpus),
    ]  # fmt: skip
    instrument()
    atheris.Setup(arguments, watch, custom_mutator=watch.mutate)
    atheris.Fuzz()


PLACE = Path("/dev/shm" if os.path.isdir("/dev/shm") else "/tmp") / f"nst-fuzz-{os.getpid()}" / "input"

if __name__ == "__main__":
    PLACE.parent.mkdir()
    atexit.register(shutil.rmtree, PLACE.parent, ignore_errors=True)
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
