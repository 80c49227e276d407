def env_class(n): return object
