"""Trains in PyTorch for benchmarks/gpu.py: eager with fused Adam, or the whole step replayed as a graph (--graph)."""

import common
import gpu_common

try:
    import torch
    from torch.nn import functional
except ImportError as error:
    torch, missing = None, error

INSTALL = "python -m pip install torch, or for a driver of CUDA 12 from PyTorch's index for CUDA 12.6"
WARMUP = 3  # steps before the capture, on a stream of their own, as PyTorch's notes on CUDA graphs have it


class Torch:
    adam = "torch"

    def __init__(self, options):
        if torch is None:
            raise gpu_common.LeftOut(f"PyTorch cannot be imported ({missing}): {INSTALL}")
        if not options.rehearse and not torch.cuda.is_available():
            build = f"CUDA {torch.version.cuda}" if torch.version.cuda else "the CPU"
            raise gpu_common.LeftOut(f"PyTorch {torch.__version__}, built for {build}, finds no GPU: {INSTALL}")
        torch.backends.cuda.matmul.allow_tf32 = False
        self.device, self.graphed = "cpu" if options.rehearse else "cuda", options.graph

    def configure(self, x, y, weights, batch):
        self.x = torch.from_numpy(x).to(self.device)
        self.y = torch.from_numpy(y).long().to(self.device)
        self.batch = batch
        dense = []
        for kernel, bias in zip(weights[::2], weights[1::2], strict=True):
            dense.append(torch.nn.Linear(*kernel.shape))
            dense[-1].weight.data, dense[-1].bias.data = torch.from_numpy(kernel.T.copy()), torch.from_numpy(bias)
        self.dense = torch.nn.ModuleList(dense).to(self.device)
        self.optimizer = torch.optim.Adam(
            self.dense.parameters(), lr=common.RATE, eps=common.EPSILON, fused=True, capturable=self.graphed
        )
        self.total = torch.zeros((), device=self.device)
        self.right = torch.zeros((), dtype=torch.long, device=self.device)
        if self.graphed:
            self.capture()

    def step(self, rows):
        """Train on these images, and add up loss and hits."""
        labels = self.y.index_select(0, rows)
        images = self.x.index_select(0, rows).float() * (1 / 255)
        logits = self.dense[1](functional.relu(self.dense[0](images)))
        loss = functional.cross_entropy(logits, labels)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        self.total += loss.detach() * len(rows)
        self.right += (logits.detach().argmax(1) == labels).sum()

    def next_step(self):
        """The same with the next rows of `order`: which they are is known on the device alone."""
        rows = self.batches.index_select(0, self.place)[0]
        self.place.add_(1)
        self.step(rows)

    def capture(self):
        """Record a step; then forget what the warm-up trained."""
        self.order = torch.arange(len(self.x), device=self.device)
        self.batches = self.order.view(-1, self.batch)
        self.place = torch.zeros(1, dtype=torch.long, device=self.device)
        start = [weight.detach().clone() for weight in self.dense.parameters()]
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(min(WARMUP, len(self.batches))):
                self.next_step()
        torch.cuda.current_stream().wait_stream(side)
        self.optimizer.zero_grad(set_to_none=True)  # so that the gradients are the graph's own memory
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph):
            self.next_step()
        with torch.no_grad():
            for weight, value in zip(self.dense.parameters(), start, strict=True):
                weight.copy_(value)
            for state in self.optimizer.state.values():
                for value in state.values():  # both moments and the number of steps
                    value.zero_()

    def epoch(self, order=None):
        count = len(self.x)
        order = torch.randperm(count, device=self.device) if order is None else torch.from_numpy(order).to(self.device)
        self.total.zero_()
        self.right.zero_()
        if self.graphed:
            self.order.copy_(order)
            self.place.zero_()
            for _ in range(count // self.batch):
                self.graph.replay()
        else:
            for rows in order.split(self.batch):
                self.step(rows)
        return self.total.item() / count, self.right.item() / count

    def wait(self):
        if self.device == "cuda":
            torch.cuda.synchronize()

    def weights(self):
        arrays = [weight.detach().cpu().numpy() for weight in self.dense.parameters()]
        return [array.T if array.ndim == 2 else array for array in arrays]


if __name__ == "__main__":
    gpu_common.serve(Torch, "--graph")
