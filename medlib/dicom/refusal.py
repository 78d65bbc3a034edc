"""The error that names file, tag and reason."""

from pathlib import Path

from medlib.errors import InputError


class DicomError(InputError):
    """A DICOM file that cannot be used.

    Attributes:
        file: the file that is refused.
        tag: keyword of the DICOM attribute at fault, or "" where no attribute is to blame.
        reason: what is wrong and what was expected.

    """

    def __init__(self, file: str | Path, tag: str, reason: str) -> None:
        self.file, self.tag, self.reason = str(file), tag, reason
        super().__init__(f"{self.file}: {tag}: {reason}" if tag else f"{self.file}: {reason}")

    def __reduce__(self) -> tuple[type["DicomError"], tuple[str, str, str]]:
        """Let the error cross process borders, where it is rebuilt from its three parts."""
        return DicomError, (self.file, self.tag, self.reason)
