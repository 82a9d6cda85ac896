// Softmax, the cross-entropy of its result with the class y, whether it is hit, and the gradient. For each row z of logits:
//
//   p_j = exp(z_j - max z) / s,  s = sum_j exp(z_j - max z)      probabilities, where asked for
//   L   = log s - (z_y - max z)                                  losses: L, or f L where each row has its own factor f
//   hit = [argmax_j p_j = y], the first of equals                hits; where something is NaN nothing is hit
//   dL/dz_j = f (p_j - [j = y])                                  gradient, where asked for
//
// logits, probabilities and gradient (rows, classes), the others (rows,). `factors` null stands for `factor` in every
// row. A warp of 32 threads has a row: each, a lane, computes every 32nd class. Five shuffles then give all lanes the sum, or
// the largest, of all: in each a lane takes the value of the lane whose number differs in one bit, 16, 8, 4, 2 or 1.

const unsigned ALL_LANES = 0xffffffff;

extern "C" __global__ void softmax_crossentropy(
    const real* __restrict__ logits, const long long* __restrict__ y, const real* __restrict__ factors, real factor,
    long long rows, int classes,
    double* __restrict__ losses, double* __restrict__ hits, real* __restrict__ probabilities, real* __restrict__ gradient)
{
    const int lane = threadIdx.x % 32;
    const long long row = (blockIdx.x * (long long)blockDim.x + threadIdx.x) / 32;
    if (row >= rows) return;  // a whole warp does
    const real* z = logits + row * classes;
    const long long label = y[row];
    const real f = factors ? factors[row] : factor;

    real top = z[0];
    for (int j = lane; j < classes; j += 32) top = max(top, z[j]);  // which may lose NaN: s has it
    for (int bit = 16; bit; bit /= 2) top = max(top, __shfl_xor_sync(ALL_LANES, top, bit));

    real s = 0;
    for (int j = lane; j < classes; j += 32) s += exp(z[j] - top);
    for (int bit = 16; bit; bit /= 2) s += __shfl_xor_sync(ALL_LANES, s, bit);

    real best = -1;
    int guess = classes;
    for (int j = lane; j < classes; j += 32) {
        const real p = exp(z[j] - top) / s;
        if (probabilities) probabilities[row * classes + j] = p;
        if (gradient) gradient[row * classes + j] = j == label ? p * f - f : p * f;
        if (p > best) best = p, guess = j;
    }
    for (int bit = 16; bit; bit /= 2) {
        const real p = __shfl_xor_sync(ALL_LANES, best, bit);
        const int j = __shfl_xor_sync(ALL_LANES, guess, bit);
        if (p > best || (p == best && j < guess)) best = p, guess = j;
    }

    if (lane == 0) {
        const real loss = log(s) - (z[label] - top);
        losses[row] = factors ? f * loss : loss;
        if (hits) hits[row] = guess == label;
    }
}
