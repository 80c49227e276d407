"""What task pages share: their definition, the vocabulary of rewards and of experts."""
