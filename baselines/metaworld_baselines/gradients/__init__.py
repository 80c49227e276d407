"""How the gradients of several tasks become one, and how they hinder one another."""
