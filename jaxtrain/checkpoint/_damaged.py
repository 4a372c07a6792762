"""What is wrong with a checkpoint, before it is known where that is to be said."""


class Damaged(ValueError):
    """A checkpoint is not as it was written; the message is the reason, in a line."""
