"""What a reader is meant to see when something cannot be done."""


class InputError(ValueError):
    """Something the reader gave cannot be used; the message is one sentence that says what to do.

    The command line prints the message alone and exits with code 2.
    """


class NotebookError(RuntimeError):
    """A notebook's cell failed for a reason that is not the reader's; holds the traceback."""
