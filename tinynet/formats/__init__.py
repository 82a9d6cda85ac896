"""Convert models to the bytes of files and back, by way of plain values and arrays. Only `state` knows models."""
