"""What is wrong with this machine: its GPU, driver and packages."""
