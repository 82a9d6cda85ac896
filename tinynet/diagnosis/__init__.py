"""Find out what is wrong with this machine: its GPU, driver and packages."""
