"""Does the lesson's job in PyTorch, no DataLoader: eager with fused Adam, or the step compiled (--mode compile)."""

import functools
import os
import warnings

import common

options = common.parse(mode=["eager", "compile"])
report = common.Report(options)
if options.cache:
    os.environ["TORCHINDUCTOR_CACHE_DIR"] = options.cache

import numpy as np  # noqa: E402, the clock runs
import torch  # noqa: E402, the clock runs
from torch.nn import functional  # noqa: E402

warnings.filterwarnings("ignore", "The given NumPy array is not writable")  # nor will it be written to
torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", torch.get_num_threads())))


class Scaled(torch.nn.Module):
    def forward(self, images):
        return images.float() * (1 / 255)


def stack():
    yield Scaled()
    for number, (kernel, bias) in enumerate(common.glorot(options)):
        if number:
            yield torch.nn.ReLU()
        dense = torch.nn.Linear(*kernel.shape)
        dense.weight.data = torch.from_numpy(kernel.T.copy())
        dense.bias.data = torch.from_numpy(bias)
        yield dense


def losses(logits, labels):
    """The loss to minimise, and how many are right."""
    return functional.cross_entropy(logits, labels), (logits.argmax(1) == labels).sum()


def eager(model):
    """A step that trains the model on a batch, and adds up loss and hits."""
    optimizer = torch.optim.Adam(model.parameters(), lr=common.RATE, eps=common.EPSILON, fused=True)

    def step(batch, total, right):
        loss, hits = losses(model(x.index_select(0, batch)), y.index_select(0, batch))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.detach() * len(batch)
        right += hits

    return step


def compiled(model):
    """The same as one graph: gathering the batch, loss, gradient and Adam, all of them functions of tensors."""
    weights = [weight.detach() for weight in model.parameters()]  # the model's own memory
    means, squares = ([torch.zeros_like(weight) for weight in weights] for _ in range(2))
    count = torch.zeros(())

    def loss_of(weights, images, labels):
        x = images.float() * (1 / 255)
        for kernel, bias in zip(weights[:-2:2], weights[1:-2:2], strict=True):
            x = functional.linear(x, kernel, bias).relu()
        return losses(functional.linear(x, *weights[-2:]), labels)

    @torch.compile(fullgraph=True, dynamic=False)
    def step(images, labels, batch, total, right):
        gradient = torch.func.grad_and_value(loss_of, has_aux=True)
        gradients, (loss, hits) = gradient(weights, images[batch], labels[batch])
        count.add_(1)
        correction = torch.sqrt(1 - common.BETA_2**count)
        rate = common.RATE * correction / (1 - common.BETA_1**count)
        for weight, mean, square, gradient in zip(weights, means, squares, gradients, strict=True):
            mean.lerp_(gradient, 1 - common.BETA_1)
            square.lerp_(gradient * gradient, 1 - common.BETA_2)
            weight.sub_(rate * mean / (square.sqrt() + common.EPSILON * correction))  # PyTorch's epsilon
        total.add_(loss * len(batch))
        right.add_(hits)

    return functools.partial(step, x, y)


(x, y), (x_test, y_test) = ([torch.from_numpy(array) for array in split] for split in common.load(options))
y, y_test = y.long(), y_test.long()
model = torch.nn.Sequential(*stack())
step = {"eager": eager, "compile": compiled}[options.mode](model)
torch.manual_seed(options.seed)
for _ in range(options.epochs):
    total, right = torch.zeros(()), torch.zeros((), dtype=torch.long)
    for batch in torch.randperm(len(x)).split(options.batch):
        step(batch, total, right)
    report.epoch(total / len(x), right / len(x))


@torch.inference_mode()
def predict(images):
    return model(images).softmax(1).numpy()


def many():
    return np.concatenate([predict(piece) for piece in common.pieces(x_test)])


report.trained(
    evaluate=lambda: (many().argmax(1) == y_test.numpy()).mean(),
    one=lambda: predict(x_test[:1]),
    many=many,
)
