"""What every other room stands on: errors, files, the machine, and TensorFlow without its noise."""
