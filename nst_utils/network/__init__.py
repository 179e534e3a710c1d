"""The network VGG-19: its layout, its weights and where they come from, and its activations."""
