"""DICOM series <-> arrays in Hounsfield units."""

from medlib.dicom.reading import Scan, Series, read_image, read_series, scan
from medlib.dicom.refusal import DicomError
from medlib.dicom.writing import write_series

__all__ = ["DicomError", "Scan", "Series", "read_image", "read_series", "scan", "write_series"]
