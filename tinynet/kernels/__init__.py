"""What can be one fused operation, where the arrays' own operators take many: one door for each.

A caller calls the door and never asks where it runs. The door takes a kernel in CUDA C++ where one can run, and else
the reference: array expressions, which stand in the class where they are read, and which the door is handed.

    door                    what                                      the reference
    gather                  a batch is cut from the samples           ArrayBatches in intake/arrays.py
    softmax_crossentropy    softmax, cross-entropy, hits, gradient    measure in training/step.py
    update                  an optimizer's step                       Optimizer.apply_by_arrays, by `change` of each
    dropout                 dropout and its random numbers            Dropout in layers/dropout.py

On a GPU a small network's step is so little arithmetic that its time is that of its launches. The kernels compute in
float32 and float64; in other dtypes, and for a user's own class, the reference goes on. They are compiled at their
first use by NVRTC, without contraction of a * b + c into one rounding, so that a batch, a dropout and an optimizer's
step have NumPy's bits. But what is subnormal in float32, below 1.2e-38, is 0 there, since CuPy compiles with -ftz=true.
No result depends on the order in which threads run.
"""
