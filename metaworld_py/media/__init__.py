"""Pictures, films and windows of episodes."""
