"""The two errors that bad input raises; the message is one sentence that says what to do."""


class InputError(ValueError):
    """Something given by the user does not fit; the message is one sentence that says what to do."""


class MissingFileError(InputError, FileNotFoundError):
    """A file that the user named is not there."""
