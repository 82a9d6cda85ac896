"""Arguments that other versions and libraries have, and what to write instead."""

HINTS = {
    "lr": "Did you mean 'learning_rate'?",
    "decay": "For a learning rate that falls, give learning_rate one of tn.optimizers.schedules; for weights that "
    "decay, weight_decay.",
}
