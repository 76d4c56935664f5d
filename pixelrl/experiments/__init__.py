"""What can be done with a task: fit, pretrain, evaluate, predict, benchmark."""
