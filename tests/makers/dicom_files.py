"""Small CT files, made with pydicom alone, in which single attributes can be set or broken."""

import struct
from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian

SHIPPED = Path(pydicom.__file__).parent / "data" / "test_files"
AXIAL = [1, 0, 0, 0, 1, 0]


def ct(stored, **attributes) -> FileDataset:
    """Return a CT of these stored values (rows x columns, or frames first), 16 bits, unsigned."""
    stored = np.asarray(stored)
    dataset = FileDataset("", {}, preamble=bytes(128), file_meta=FileMetaDataset())
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = CTImageStorage
    dataset.SOPInstanceUID = UID("1.2.3.4")
    dataset.SeriesInstanceUID, dataset.StudyInstanceUID = "1.2.3", "1.2"
    dataset.PatientID, dataset.Modality = "P1", "CT"
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.Rows, dataset.Columns = stored.shape[-2:]
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 16, 15
    dataset.PixelRepresentation = 0
    dataset.RescaleSlope, dataset.RescaleIntercept = 1, -1024
    dataset.PixelSpacing, dataset.SliceThickness = [0.5, 0.5], 2
    dataset.ImageOrientationPatient, dataset.ImagePositionPatient = AXIAL, [0, 0, 0]
    dataset["PixelData"] = pydicom.DataElement(0x7FE00010, "OW", stored.astype("<u2").tobytes())
    if stored.ndim == 3:
        dataset.NumberOfFrames = len(stored)
    for keyword, value in attributes.items():
        if value is None:
            delattr(dataset, keyword)
        else:
            setattr(dataset, keyword, value)
    return dataset


def save(dataset: Dataset, path: Path) -> Path:
    """Write the data set as it is, however wrong."""
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.save_as(path, enforce_file_format=True)
    return path


def series(folder: Path, positions, **attributes) -> list[Path]:
    """Write one 4 x 4 slice a position, its value 10 times its place in `positions`."""
    paths = []
    for index, position in enumerate(positions):
        dataset = ct(np.full((4, 4), 1024 + 10 * index), **attributes)
        dataset.ImagePositionPatient = list(position)
        dataset.SOPInstanceUID = f"1.2.3.4.{index}"
        dataset.InstanceNumber = index + 1
        paths.append(save(dataset, folder / f"{index:03d}.dcm"))
    return paths


def compressed(dataset: Dataset, frames: list[bytes], syntax: UID) -> Dataset:
    """Put codestreams in the place of the pixels."""
    dataset.file_meta.TransferSyntaxUID = syntax
    element = pydicom.DataElement(0x7FE00010, "OB", encapsulate(frames))
    element.is_undefined_length = True
    dataset["PixelData"] = element
    return dataset


def lossless_jpeg(values: np.ndarray, precision: int) -> bytes:
    """Return a JPEG Lossless codestream (T.81 process 14, selection value 1).

    Pixels are predicted from the left; the categories of differences have codes of 5 bits each.
    """
    values = values.astype(np.int64)
    predicted = np.empty_like(values)
    predicted[:, 1:] = values[:, :-1]
    predicted[1:, 0] = values[:-1, 0]
    predicted[0, 0] = 1 << (precision - 1)
    bits = "".join(_difference_code(int(d)) for d in (values - predicted).ravel())
    bits += "1" * (-len(bits) % 8)
    data = int(bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\x00")
    rows, columns = values.shape
    frame = struct.pack(">HBHHB3B", 11, precision, rows, columns, 1, 1, 0x11, 0)
    table = struct.pack(">HB", 2 + 1 + 16 + 17, 0) + bytes([0, 0, 0, 0, 17, *[0] * 11, *range(17)])
    scan = struct.pack(">HB2B3B", 8, 1, 1, 0, 1, 0, 0)
    return (
        b"\xff\xd8\xff\xc3" + frame + b"\xff\xc4" + table + b"\xff\xda" + scan + data + b"\xff\xd9"
    )


def _difference_code(difference: int) -> str:
    difference = (difference + 32768) % 65536 - 32768
    category = abs(difference).bit_length()
    if category == 16:
        return f"{category:05b}"
    low = difference if difference >= 0 else difference + (1 << category) - 1
    return f"{category:05b}" + (f"{low:0{category}b}" if category else "")
