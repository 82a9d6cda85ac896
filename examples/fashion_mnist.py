"""Teaches a small network to recognise clothing, from the 60,000 real images of Fashion-MNIST.

    python examples/fashion_mnist.py
    python examples/fashion_mnist.py --units 256,64 --activation tanh --epochs 10
    python examples/fashion_mnist.py --plots pictures
    python examples/fashion_mnist.py --quick
"""

import argparse
import sys
from pathlib import Path

import numpy as np

import tinynet as tn
from tinynet.datasets.fashion_mnist import CLASS_NAMES


def main():
    options = parse()

    # 1. The data: grey images of 28 x 28 bytes, and a label from 0 to 9 for each.
    (x_train, y_train), (x_test, y_test) = load(options)
    print(f"{len(x_train):,} images to train on, {len(x_test):,} to test with")
    scale = 1 if options.no_normalize else 255  # pixels from 0 to 1 make the first steps the right size
    x_train, x_test = (images.astype("float32") / scale for images in (x_train, x_test))

    # 2. The model: 784 pixels, one or more hidden layers, and a probability for each of the ten classes.
    model = tn.Sequential(
        [
            tn.layers.Flatten(input_shape=(28, 28, 1)),
            *[tn.layers.Dense(units, activation=options.activation) for units in options.units],
            tn.layers.Dense(10, activation="softmax"),
        ],
        seed=options.seed,
        backend=options.backend,
    )
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    model.summary()

    # 3. Training: each epoch shows the network every training image once, in a new order.
    history = model.fit(x_train, y_train, epochs=options.epochs, batch_size=options.batch_size)

    # 4. One image alone is a batch of one: shape (1, 28, 28, 1).
    image = x_test[:1, :, :, None]
    probabilities = model.predict(image)[0]
    guess = int(np.argmax(probabilities))
    print(f"An image of shape {image.shape}: {probabilities[guess]:.0%} {CLASS_NAMES[guess]}", end="")
    print(f" (it is: {CLASS_NAMES[y_test[0]]})")

    # 5. Pictures of all that, if they are asked for.
    if options.plots:
        draw(options.plots, model, history, x_test, y_test)

    # 6. What counts: the share of images that it has never seen and names right.
    _, accuracy = model.evaluate(x_test, y_test)
    print(f"Test accuracy: {accuracy:.4f}")


def draw(folder, model, history, images, labels):
    """One PNG for each of what tinynet.plotting draws."""
    probabilities = model.predict(images)
    pictures = {
        "images": tn.plotting.plot_grid(images, labels, CLASS_NAMES),
        "predictions": tn.plotting.plot_predictions(probabilities, labels, images, CLASS_NAMES),
        "mistakes": tn.plotting.plot_mistakes(probabilities, labels, images, CLASS_NAMES),
        "confusion": tn.plotting.plot_confusion(probabilities, labels, CLASS_NAMES).figure,
        "history": tn.plotting.plot_history(history),
        "network": tn.plotting.plot_network(model).figure,
        "weights": tn.plotting.plot_weights(model),
    }
    for name, figure in pictures.items():
        figure.savefig(folder / f"{name}.png")
    print(f"Pictures in {folder}: {', '.join(f'{name}.png' for name in pictures)}")


def load(options):
    """The full data, or the sample where that is asked for or the full data cannot be had."""
    if options.sample:
        return tn.datasets.fashion_mnist.load_data(sample=True)
    try:
        return tn.datasets.fashion_mnist.load_data(options.data_dir)
    except (OSError, ValueError) as error:  # not to be had, or a wrong file in the folder that was given
        loud = "!" * 79
        sample = "Training on the SAMPLE of 2,000 images instead: expect less."
        print(loud, error, "", sample, loud, sep="\n", file=sys.stderr)
        return tn.datasets.fashion_mnist.load_data(sample=True)


def parse():
    parser = argparse.ArgumentParser(description="Train a small network on Fashion-MNIST.")
    parser.add_argument("--epochs", type=int, default=5, help="how often it sees every image (default: 5)")
    parser.add_argument("--batch-size", type=int, default=32, help="images per step (default: 32)")
    parser.add_argument("--units", type=sizes, default=[128], help="hidden units, as 128 or 256,64 (default: 128)")
    activations = ["relu", "sigmoid", "tanh", "linear"]
    parser.add_argument("--activation", choices=activations, default="relu", help="of the hidden units (default: relu)")
    parser.add_argument("--no-normalize", action="store_true", help="leave the pixels between 0 and 255")
    parser.add_argument("--backend", choices=["numpy", "cupy"], help="where to compute (default: numpy, the CPU)")
    parser.add_argument("--seed", type=int, default=0, help="decides starting weights and order (default: 0)")
    parser.add_argument("--data-dir", help="a folder with the four files, or to be filled with them")
    parser.add_argument("--plots", type=Path, metavar="FOLDER", help="write pictures there (needs matplotlib)")
    parser.add_argument("--sample", action="store_true", help="use the 2,000 + 500 images that come with tinynet")
    parser.add_argument("--quick", action="store_true", help="the sample, one epoch: shows that it runs")
    options = parser.parse_args()
    if options.quick:
        options.sample, options.epochs = True, 1
    if min(options.epochs, options.batch_size, *options.units) < 1 or options.seed < 0:
        parser.error("--epochs, --batch-size and --units must be at least 1, --seed at least 0")
    try:
        tn.backend.resolve(options.backend)
        if options.plots:  # before the training, so that it is not for nothing
            _need_matplotlib()
            options.plots.mkdir(parents=True, exist_ok=True)
    except (ImportError, RuntimeError, OSError) as error:
        parser.error(str(error))
    return options


def _need_matplotlib():
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        if error.name != "matplotlib":
            raise  # it is there, but broken
        raise ImportError("--plots needs matplotlib: python -m pip install matplotlib") from None


def sizes(text):
    try:
        return [int(number) for number in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no number and no list of numbers like 256,64") from None


if __name__ == "__main__":
    main()
