"""What is wrong with this machine: the GPU, its driver and libraries, the environment."""
