// A batch: row n of it is row order[n] of the samples, cast, with that row's label and weight.
//
//   batch[n, i] = x[order[n], i],   labels[n] = y[order[n]],   batch_weights[n] = weights[order[n]]
//
// x (N, width) of `sample`, batch (rows, width) of `real`. Labels and weights are copied byte by byte, whatever they
// are: y_bytes and weight_bytes are those of one row, 0 where there are none. Blocks of x go along a row, of y over rows.

extern "C" __global__ void gather(
    const sample* __restrict__ x, const long long* __restrict__ order, real* __restrict__ batch,
    long long rows, long long width,
    const char* __restrict__ y, char* __restrict__ labels, long long y_bytes,
    const char* __restrict__ weights, char* __restrict__ batch_weights, long long weight_bytes)
{
    const long long first = blockIdx.x * (long long)blockDim.x + threadIdx.x;
    const long long stride = gridDim.x * (long long)blockDim.x;
    for (long long n = blockIdx.y; n < rows; n += gridDim.y) {
        const long long from = order[n];
        for (long long i = first; i < width; i += stride)
            batch[n * width + i] = (real)x[from * width + i];
        for (long long i = first; i < y_bytes; i += stride)
            labels[n * y_bytes + i] = y[from * y_bytes + i];
        for (long long i = first; i < weight_bytes; i += stride)
            batch_weights[n * weight_bytes + i] = weights[from * weight_bytes + i];
    }
}
