"""The lesson's job in PyTorch: no DataLoader, fused Adam; with --mode compile, the loss and its gradient compiled."""

import os
import warnings

import common

options = common.parse(mode=["eager", "compile"])
report = common.Report(options)
if options.cache:
    os.environ["TORCHINDUCTOR_CACHE_DIR"] = options.cache

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


def losses(images, labels):
    """The loss to minimise, and how many are right."""
    logits = model(images)
    return functional.cross_entropy(logits, labels), (logits.argmax(1) == labels).sum()


(x, y), (x_test, y_test) = ([torch.from_numpy(array) for array in split] for split in common.load(options))
model = torch.nn.Sequential(*stack())
optimizer = torch.optim.Adam(model.parameters(), lr=common.RATE, eps=common.EPSILON, fused=True)
if options.mode == "compile":
    losses = torch.compile(losses)
y, y_test = y.long(), y_test.long()
torch.manual_seed(options.seed)
for _ in range(options.epochs):
    total, right = torch.zeros(()), torch.zeros((), dtype=torch.long)
    for batch in torch.randperm(len(x)).split(options.batch):
        loss, hits = losses(x.index_select(0, batch), y.index_select(0, batch))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.detach() * len(batch)
        right += hits
    report.epoch(total / len(x), right / len(x))


@torch.inference_mode()
def predict(images):
    return model(images).softmax(1).numpy()


report.trained(
    evaluate=lambda: (predict(x_test).argmax(1) == y_test.numpy()).mean(),
    one=lambda: predict(x_test[:1]),
    many=lambda: predict(x_test),
)
