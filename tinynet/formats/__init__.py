"""Model files: from plain values and arrays to bytes and back. Only `state` knows what a model is."""
