"""Pictures as people know them, uint8 (H, W, 3) RGB 0-255: reading, writing, sizes and colours."""
