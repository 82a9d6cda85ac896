"""Teaches the smallest network there is, one number in, one number out, to turn Celsius into Fahrenheit.

    python examples/celsius_to_fahrenheit.py

The rule is f = 1.8 c + 32. The network is not told the rule, only seven examples of it. Its one unit computes
f = w c + b, so that learning means to find a weight w near 1.8 and a bias b near 32. Takes a second.

The lesson rounds its examples to whole degrees (46, 72 and 100 for 8, 22 and 38 degrees Celsius) and ends, after 500
epochs, near 211.3 for 100 degrees; even the best line through the rounded examples gives 211.7, not 212. Here they are
exact, and the same 500 epochs end at 211.6. What is missing then is only time: with EPOCHS = 1000 it is 212.0.
"""

import sys

import numpy as np

import tinynet as tn

CELSIUS = [-40, -10, 0, 8, 15, 22, 38]
FAHRENHEIT = [-40, 14, 32, 46.4, 59, 71.6, 100.4]
EPOCHS = 500

TABLE = """
                       Regression                      Classification
example                Celsius to Fahrenheit           Fashion-MNIST: which piece of clothing is it?
output                 one number, of any size         ten probabilities, one for each class; their sum is 1
last layer             Dense(1), no activation         Dense(10, activation="softmax")
loss                   mean squared error              sparse categorical cross-entropy
how it is judged       mean error: degrees it is off   accuracy: the share of images that it names right
a prediction           {prediction:<31} 0.93 for shirt, 0.07 for the other nine together
"""


def main():
    # 1. The data: seven samples of one feature, so the shape is (7, 1), and the answer for each.
    x = np.array(CELSIUS, "float32")[:, None]
    y = np.array(FAHRENHEIT, "float32")[:, None]

    # 2. The model: one unit, f = w c + b. There is no activation, for the rule is a straight line.
    model = tn.Sequential([tn.layers.Dense(1, input_shape=(1,))], seed=0)
    model.compile(optimizer=tn.optimizers.Adam(0.1), loss="mean_squared_error")

    # 3. Training: seven samples are fewer than a batch of 32, so an epoch is one step on all of them.
    history = model.fit(x, y, epochs=EPOCHS, verbose=0)
    for epoch in [1, *range(EPOCHS // 5, EPOCHS + 1, EPOCHS // 5)]:
        print(f"epoch {epoch:4d}: mean squared error {history.history['loss'][epoch - 1]:10.4f}")

    # 4. What it has learned, beside the rule. A weight a little too large makes up for a bias that is still too small.
    (weight,), (bias,) = model.get_weights()[0][0], model.get_weights()[1]
    print(f"\nweight: {weight:8.3f}   the rule: 1.8")
    print(f"bias:   {bias:8.3f}   the rule: 32")

    # 5. A temperature that was not among the examples.
    prediction = float(model.predict(np.array([[100.0]]))[0, 0])
    print(f"100 C:  {prediction:8.3f} F the rule: 212 F")
    if not abs(prediction - 212) <= 0.5:  # "not <=", so that NaN fails too
        sys.exit(f"The network has not learned the rule: {prediction:.2f} is more than 0.5 from 212.")

    # 6. Two kinds of problems: this one, and that of examples/fashion_mnist.py.
    print(TABLE.format(prediction=f"{prediction:.1f} degrees"), end="")


if __name__ == "__main__":
    main()
