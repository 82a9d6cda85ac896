"""Arguments of Keras's layers that tinynet does not have, and what to do instead."""

NOT_HERE = "Keras has it; tinynet does not."
WITHOUT_BATCH = "Give the shape of one sample, without the batch axis, as input_shape."
KERAS_ONLY = {
    **dict.fromkeys(["activity_regularizer", "kernel_constraint", "bias_constraint", "lora_rank"], NOT_HERE),
    **dict.fromkeys(["quantization_config", "noise_shape", "data_format", "synchronized", "autocast"], NOT_HERE),
    **dict.fromkeys(["batch_shape", "batch_input_shape", "batch_size"], WITHOUT_BATCH),
    "dtype": "The model's counts: Sequential(..., dtype='float64').",
    "input_dim": "Write input_shape=(n,), or put Input((n,)) first.",
}
