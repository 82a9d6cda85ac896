// Softmax, the cross-entropy of its result with the class y, whether it is hit, and the gradient. For each row z of logits:
//
//   p_j = exp(z_j - max z) / s,  s = sum_j exp(z_j - max z)      probabilities, where asked for
//   L   = log s - (z_y - max z)                                  losses: L, or f L where each row has its own factor f
//   hit = [argmax_j p_j = y], the first of equals                hits; where something is NaN nothing is hit
//   dL/dz_j = f (p_j - [j = y])                                  gradient, where asked for
//
// logits, probabilities and gradient (rows, classes), the others (rows,). `factors` null stands for `factor` in every
// row. A warp of 32 threads has a row: each computes every 32nd class, and what they find is put together in a tree.

const unsigned ALL = 0xffffffff;  // the lanes of a warp

__device__ inline real larger(real a, real b) { return a > b || a != a ? a : b; }  // NaN stays, as in NumPy

extern "C" __global__ void softmax_crossentropy(
    const real* __restrict__ logits, const long long* __restrict__ y, const real* __restrict__ factors, real factor,
    long long rows, int classes,
    double* __restrict__ losses, double* __restrict__ hits, real* __restrict__ probabilities, real* __restrict__ gradient)
{
    const int lane = threadIdx.x % 32;
    const long long row = (blockIdx.x * (long long)blockDim.x + threadIdx.x) / 32;
    if (row >= rows) return;  // a whole warp does
    const real* z = logits + row * classes;
    const long long own = y[row];
    const real f = factors ? factors[row] : factor;

    real top = z[0];
    for (int j = lane; j < classes; j += 32) top = larger(top, z[j]);
    for (int far = 16; far; far /= 2) top = larger(top, __shfl_xor_sync(ALL, top, far));

    real s = 0;
    for (int j = lane; j < classes; j += 32) s += exp(z[j] - top);
    for (int far = 16; far; far /= 2) s += __shfl_xor_sync(ALL, s, far);

    real best = -1;
    int guess = classes;
    for (int j = lane; j < classes; j += 32) {
        const real p = exp(z[j] - top) / s;
        if (probabilities) probabilities[row * classes + j] = p;
        if (gradient) gradient[row * classes + j] = j == own ? p * f - f : p * f;
        if (p > best) best = p, guess = j;
    }
    for (int far = 16; far; far /= 2) {
        const real p = __shfl_xor_sync(ALL, best, far);
        const int j = __shfl_xor_sync(ALL, guess, far);
        if (p > best || (p == best && j < guess)) best = p, guess = j;
    }

    if (lane == 0) {
        const real loss = log(s) - (z[own] - top);
        losses[row] = factors ? f * loss : loss;
        if (hits) hits[row] = guess == own;
    }
}
