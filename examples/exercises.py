"""Does the lesson's exercises: changes one thing about the network, and shows what becomes of the accuracy.

    python examples/exercises.py
    python examples/exercises.py --sample --epochs 10 --picture sample.png
    python examples/exercises.py --quick

Every experiment differs from the base model (784 pixels, 128 hidden units, 10 classes) in the one thing that its name
says. All are trained for the same number of epochs, but the one that asks what a single epoch gives.

What are they compared by? Not by the test accuracy, as one is tempted to: whoever tries a dozen models and keeps the
one that does best on the test images has used those images to choose, and its figure is flattering. So the last sixth
of the training images (10,000 of 60,000) is held out as validation data, nothing is trained on it, and the experiments
are compared by it. The test images are looked at once, at the end, for the winner alone.

How much is chance? On the full data, seeds 0 and 1 name 512 units the winner, seed 2 names tanh; their test accuracies
are 0.873, 0.870 and 0.873, and the base model's validation accuracy is 0.882, 0.877 and 0.869. What all three agree on
is worth remembering: one epoch, fewer units, no activation and pixels up to 255 do worse than the base model. (The last
digits depend on the processor.)

Both accuracies are measured after training. (The accuracy that `fit` prints is the mean over an epoch in which the
network still learned, hence lower.) The picture needs matplotlib; without it everything else works.
"""

import argparse
import sys
import time
from pathlib import Path

import tinynet as tn


def experiments(epochs):
    base = {"units": [128], "activation": "relu", "epochs": epochs, "scale": 255}
    return {
        "base model": base,
        "one epoch": base | {"epochs": 1},
        "10 hidden units": base | {"units": [10]},
        "32 hidden units": base | {"units": [32]},
        "512 hidden units": base | {"units": [512]},
        "hidden layers 256, 128": base | {"units": [256, 128]},
        "hidden layers 128, 64, 32": base | {"units": [128, 64, 32]},
        "sigmoid": base | {"activation": "sigmoid"},
        "tanh": base | {"activation": "tanh"},
        "ELU": base | {"activation": "elu"},
        # Without an activation two layers are one: W2 (W1 x) = (W2 W1) x. So these two can draw the same lines:
        "no activation": base | {"activation": None},
        "no hidden layer": base | {"units": []},
        "pixels from 0 to 255": base | {"scale": 1},
    }


def main():
    options = parse()

    # 1. The data in three parts: to train on, to compare by, and to test the winner with.
    (images, labels), (x_test, y_test) = load(options)
    held_out = len(images) // 6
    x_train, y_train = images[:-held_out], labels[:-held_out]
    x_val, y_val = images[-held_out:], labels[-held_out:]
    print(f"{len(x_train):,} images to train on, {held_out:,} to compare by, {len(x_test):,} to test the best with\n")

    # 2. The experiments, a row for each.
    print(f"{'':27}{'para-':>9}{'':>8}{'training':>10}{'validation':>12}")
    print(f"{'experiment':27}{'meters':>9}{'epochs':>8}{'accuracy':>10}{'accuracy':>12}{'seconds':>9}")
    rows, best = [], None
    for name, setting in experiments(options.epochs).items():
        scale = setting["scale"]
        model = build(setting, options.seed)
        x = prepare(x_train, scale)
        start = time.perf_counter()
        model.fit(x, y_train, epochs=setting["epochs"], verbose=0)
        seconds = time.perf_counter() - start
        training = model.evaluate(x, y_train, verbose=0)[1]
        validation = model.evaluate(prepare(x_val, scale), y_val, verbose=0)[1]
        numbers = f"{model.count_params():9,}{setting['epochs']:8}{training:10.4f}{validation:12.4f}{seconds:9.1f}"
        print(f"{name:27}{numbers}", flush=True)
        rows.append((name, training, validation))
        if best is None or validation > best[1]:
            best = name, validation, model, scale

    # 3. The test images, for the best one only.
    name, validation, model, scale = best
    chance = (validation * (1 - validation) / held_out) ** 0.5  # the standard error of a share of so many images
    print(f"\nWith other images held out, a validation accuracy would move by about {chance:.3f}; with another --seed,")
    print("by 0.01 or more. Experiments that differ by no more than that may as well be called equal.")
    accuracy = model.evaluate(prepare(x_test, scale), y_test, verbose=0)[1]
    print(f"Best by validation accuracy: {name}, {validation:.4f}. Its test accuracy: {accuracy:.4f}")

    # 4. The picture.
    try:
        subtitle = f"{len(x_train):,} images; epochs: {options.epochs}, unless the name says otherwise"
        draw(rows, options.picture, subtitle)
        print(f"Picture: {options.picture}")
    except ModuleNotFoundError as error:
        if error.name != "matplotlib":
            raise
        print("No picture: it needs matplotlib (python -m pip install matplotlib).")


def build(setting, seed):
    model = tn.Sequential(
        [
            tn.layers.Flatten(input_shape=(28, 28, 1)),
            *[tn.layers.Dense(units, activation=setting["activation"]) for units in setting["units"]],
            tn.layers.Dense(10, activation="softmax"),
        ],
        seed=seed,
    )
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def prepare(images, scale):
    return images.astype("float32") / scale


def draw(rows, path, subtitle):
    """Two bars for each experiment: validation accuracy and, paler, training accuracy."""
    from matplotlib.figure import Figure  # without pyplot: no window, no screen needed

    names, training, validation = zip(*rows, strict=True)
    places = range(len(names))
    figure = Figure(figsize=(9, 0.5 * len(names) + 1.8), layout="constrained")
    axes = figure.add_subplot()
    bars = [
        axes.barh([p - 0.2 for p in places], validation, 0.4, color="tab:blue", label="validation accuracy"),
        axes.barh([p + 0.2 for p in places], training, 0.4, color="lightsteelblue", label="training accuracy"),
    ]
    bars.append(axes.axvline(validation[0], color="gray", linestyle=":", zorder=0, label="validation, base model"))
    for group in bars[:2]:  # the numbers, on white, so that the dotted line does not run through them
        axes.bar_label(group, fmt="%.3f", padding=3, fontsize=8, bbox={"color": "white", "pad": 0.5})
    left = max(0, int(20 * min(training + validation)) / 20 - 0.05)  # or the differences could not be seen
    right = max(training + validation)
    axes.set_xlim(left, right + 0.1 * (right - left))  # room for the numbers
    axes.set_xlabel(f"accuracy (the axis begins at {left:.2f})")
    axes.set_yticks(places, names)
    axes.set_ylim(len(names) - 0.4, -0.6)  # the base model on top
    axes.set_title(f"Fashion-MNIST: one change at a time\n{subtitle}", fontsize=11)
    figure.legend(handles=bars, loc="outside lower center", ncols=3, frameon=False)
    figure.get_layout_engine().set(w_pad=0.15, h_pad=0.1)  # inches around it all
    figure.savefig(path, dpi=120)


def load(options):
    """The full data, or the sample where that is asked for or the full data cannot be had."""
    if options.sample:
        return tn.datasets.fashion_mnist.load_data(sample=True)
    try:
        return tn.datasets.fashion_mnist.load_data(options.data_dir)
    except (OSError, ValueError) as error:
        print(error, "\nTraining on the SAMPLE of 2,000 images instead: expect less.", file=sys.stderr)
        return tn.datasets.fashion_mnist.load_data(sample=True)


def parse():
    parser = argparse.ArgumentParser(description="The lesson's exercises on Fashion-MNIST: a table and a picture.")
    parser.add_argument("--epochs", type=int, default=5, help="how often each sees every image (default: 5)")
    parser.add_argument("--picture", type=Path, default="exercises.png", help="its file (default: exercises.png)")
    parser.add_argument("--seed", type=int, default=0, help="decides starting weights and order (default: 0)")
    parser.add_argument("--data-dir", help="a folder with the four files, or to be filled with them")
    parser.add_argument("--sample", action="store_true", help="use the 2,000 + 500 images that come with tinynet")
    parser.add_argument("--quick", action="store_true", help="the sample, one epoch: shows that it runs")
    options = parser.parse_args()
    if options.quick:
        options.sample, options.epochs = True, 1
    if options.epochs < 1 or options.seed < 0:
        parser.error("--epochs must be at least 1, --seed at least 0")
    if options.picture.suffix not in (".png", ".pdf", ".svg") or not options.picture.parent.is_dir():
        parser.error(f"--picture {options.picture} is no .png, .pdf or .svg file in a folder that exists")
    return options


if __name__ == "__main__":
    main()
