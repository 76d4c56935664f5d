"""The per-pixel agents: rollouts, the network, returns, estimators. PyTorch alone."""
