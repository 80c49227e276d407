"""All tasks on one GPU, mixed in one call: the same scenes and rewards on MuJoCo Warp (extra `gpu`)."""
