"""The one kind of error a reader is meant to see: what is wrong, where, what to do."""


class InputError(ValueError):
    """Something the reader gave cannot be used; the message is one sentence that says what to do.

    The command line prints the message alone and exits with code 2.
    """
