// Dropout: kept[i] = [u_i >= rate], y[i] = x[i] kept[i] scale, with the u_i that NumPy's Philox generator draws for these keys.
//
// Philox is a function of a counter and the keys, so that each thread computes its own numbers: ten rounds of two products
// make four words of 64 bits of counter n + 1, and NumPy makes u_8n to u_8n+7 of them, float32, from 24 bits of each half,
// the lower one first. Source: Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011,
// section 3.3 and table 2.

typedef unsigned long long word;

extern "C" __global__ void dropout(
    const real* __restrict__ x, real* __restrict__ y, bool* __restrict__ kept, long long size,
    float rate, real scale, word key_0, word key_1)
{
    const long long stride = gridDim.x * (long long)blockDim.x;
    for (long long n = blockIdx.x * (long long)blockDim.x + threadIdx.x; 8 * n < size; n += stride) {
        word c[4] = {(word)n + 1, 0, 0, 0}, k_0 = key_0, k_1 = key_1;
        for (int round = 0; round < 10; round++) {
            const word high_0 = __umul64hi(0xD2E7470EE14C6C93ULL, c[0]), low_0 = 0xD2E7470EE14C6C93ULL * c[0];
            const word high_1 = __umul64hi(0xCA5A826395121157ULL, c[2]), low_1 = 0xCA5A826395121157ULL * c[2];
            c[0] = high_1 ^ c[1] ^ k_0, c[1] = low_1, c[2] = high_0 ^ c[3] ^ k_1, c[3] = low_0;
            k_0 += 0x9E3779B97F4A7C15ULL, k_1 += 0xBB67AE8584CAA73BULL;
        }
        for (int j = 0; j < 8; j++) {
            const long long i = 8 * n + j;
            if (i >= size) break;
            const unsigned bits = (unsigned)(c[j / 2] >> (32 * (j % 2)));
            kept[i] = (bits >> 8) * (1 / 16777216.0f) >= rate;
            y[i] = x[i] * (real)kept[i] * scale;
        }
    }
}
