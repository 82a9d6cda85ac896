"""What comes in: samples, labels and weights, checked and cut into batches."""
