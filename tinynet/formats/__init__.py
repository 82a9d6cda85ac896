"""Files of models: plain configurations and arrays to bytes and back. Nothing here makes a model: `saving` does."""
