"""Train the classifier of emotions in voices."""
