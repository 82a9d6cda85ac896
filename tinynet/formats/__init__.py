"""Files of models: a model as plain values (`state`), and the formats that write them."""
