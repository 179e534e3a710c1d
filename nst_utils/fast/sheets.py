"""Contact sheets: one photograph in every style of a network, each with its name."""

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from nst_utils.pictures.sizes import output_size, resize

_GAP, _CAPTION, _INK = 8, 22, (40, 40, 40)


def contact_sheet(photograph, book, painter, side=320, columns=4):
    """The photograph, and the same in every style of the book, uint8 (H, W, 3), with their names below them."""
    small = resize(photograph, output_size(photograph.shape[1::-1], None, side))
    pictures = [("photograph", small)]
    pictures += [(name, painter.paint(small, manner)) for name, manner in book.manners.items()]
    columns = min(columns, len(pictures))
    rows = -(-len(pictures) // columns)
    height, width = small.shape[0] + _CAPTION + _GAP, small.shape[1] + _GAP
    sheet = Image.new("RGB", (columns * width + _GAP, rows * height + _GAP), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(14)
    for number, (name, picture) in enumerate(pictures):
        left, top = _GAP + number % columns * width, _GAP + number // columns * height
        sheet.paste(Image.fromarray(picture), (left, top))
        draw.text((left + 2, top + small.shape[0] + 3), name, fill=_INK, font=font)
    return np.array(sheet)
