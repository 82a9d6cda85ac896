"""The loop: from epochs (`loop`) to one batch (`step`), and what it works on."""
