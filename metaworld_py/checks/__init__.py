"""What this machine does: its speed, and our numbers beside recorded ones."""
