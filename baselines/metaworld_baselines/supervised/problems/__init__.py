"""Problems: distributions of few-shot tasks."""
