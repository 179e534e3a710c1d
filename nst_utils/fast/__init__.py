"""Fast style transfer: a small network with many styles, trained with the engine's costs, paints in one pass."""
