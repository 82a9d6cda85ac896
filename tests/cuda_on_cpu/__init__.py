"""CUDA kernels where there is no GPU: their unchanged text, compiled by a C++ compiler and run on the CPU.

    module = compile(text)
    module.launch("scale", grid=(4,), block=(256,), args=(x, np.float32(2), np.int64(x.size)))

`shim.h` gives the text what it takes from CUDA, and `fibers.h` runs the threads of a block so that barriers and
shuffles mean what they mean on a GPU. A launch raises what a GPU would leave to luck:

- LaunchError: a deadlock, a barrier that not all threads reach, a shuffle with lanes that have ended or from a lane
  outside its mask, memory of nobody's, a write outside an array;
- Race: two schedules, threads and blocks in order and in reverse order, give different bits. Memory that nobody wrote
  shows in the same way, for shared memory and what lies around the arrays hold other bytes in each: a read outside an
  array counts in the result only if the two results differ;
- Race also where both give the same bits, if two threads access an item of an array that can be written, or a byte of
  shared memory, one of them writes, and no barrier of theirs is between: `accesses.h` sees each access. That is strict:
  it refuses, too, that many write the same number to one place, and shuffles as barriers for memory;
- TypeError, ValueError: arguments that have not exactly the types of the parameters, or share memory that is written.

What it cannot show: a race with a read that is not the one remembered of its item, alignment, a GPU's own limits and
rounding, anything about time. Subnormal numbers of float32, which CuPy has the kernels flush to 0 (-ftz=true), stay
what they are: a processor flushes those of float64 with them, and CUDA does not. It has no atomic functions.
"""

from tests.cuda_on_cpu.arguments import Parameter
from tests.cuda_on_cpu.module import SCHEDULES, CompileError, LaunchError, Module, Race, compile, compiler

__all__ = ["SCHEDULES", "CompileError", "LaunchError", "Module", "Parameter", "Race", "compile", "compiler"]
