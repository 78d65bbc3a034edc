"""The same pixels written into every container that a cohort is read from; without medlib."""

import gzip
import struct
import zlib
from pathlib import Path

import numpy as np
import tifffile
from dicom_files import compressed, ct, lossless_jpeg
from dicom_files import save as save_dicom
from PIL import Image
from pydicom.uid import JPEGLosslessSV1


def picture(suffix, kind):
    """Write with Pillow after a change of type or mode."""

    def write(path, pixels):
        Image.fromarray(kind(pixels)).save(path.with_suffix(suffix))

    return write


def grey8(pixels):
    return pixels.astype(np.uint8)


def grey16(pixels):
    return pixels.astype(np.uint16)


def colour8(pixels):
    return np.repeat(grey8(pixels)[..., None], 3, axis=-1)


def opaque8(pixels):
    return np.concatenate([colour8(pixels), np.full((*pixels.shape, 1), 255, np.uint8)], axis=-1)


def palette_png(path, pixels):
    image = Image.fromarray(grey8(pixels), "P")
    image.putpalette(np.repeat(np.arange(256), 3).astype(np.uint8).tobytes())
    image.save(path.with_suffix(".PNG"))


def png16(channels):
    """16 bits a channel: 2 grey with alpha, 3 colours, 4 colours with alpha; alpha is full."""

    def write(path, pixels):
        colours = np.repeat(pixels[..., None], 1 if channels == 2 else 3, axis=-1)
        if channels in {2, 4}:
            colours = np.concatenate([colours, np.full((*pixels.shape, 1), 65535)], axis=-1)
        lines = b"".join(b"\0" + line.astype(">u2").tobytes() for line in colours)
        rows, columns = pixels.shape
        head = struct.pack(">IIBBBBB", columns, rows, 16, {2: 4, 3: 2, 4: 6}[channels], 0, 0, 0)
        body = (_chunk(b"IHDR", head), _chunk(b"IDAT", zlib.compress(lines)), _chunk(b"IEND", b""))
        path.with_suffix(".png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(body))

    return write


def _chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def tiff(kind, colour=False):
    def write(path, pixels):
        values = np.repeat(pixels[..., None], 3, axis=-1) if colour else pixels
        mode = "rgb" if colour else "minisblack"
        tifffile.imwrite(path.with_suffix(".tiff"), values.astype(kind), photometric=mode)

    return write


def pgm(kind, highest):
    def write(path, pixels):
        head = f"{kind}\n# made by a test\n{pixels.shape[1]} {pixels.shape[0]}\n{highest}\n"
        stored = pixels.astype(">u2" if highest > 255 else np.uint8)
        text = "\n".join(" ".join(map(str, line)) for line in pixels.astype(int))
        body = text.encode() if kind == "P2" else stored.tobytes()
        path.with_suffix(".pgm").write_bytes(head.encode() + body)

    return write


NIFTI = {"u1": 2, "i2": 4, "i4": 8, "f4": 16, "f8": 64, "u2": 512}


def nifti_bytes(values, *, affine=None, order="<", scale=(0.0, 0.0)):
    """NIfTI-1 of values i x j x k, in one piece; affine 3 x 4 in RAS, or none."""
    kind = values.dtype.str[1:]
    head = bytearray(352)
    struct.pack_into(order + "i", head, 0, 348)
    struct.pack_into(order + "8h", head, 40, values.ndim, *values.shape, *[1] * (7 - values.ndim))
    struct.pack_into(order + "2h", head, 70, NIFTI[kind], 8 * values.dtype.itemsize)
    struct.pack_into(order + "f", head, 108, 352)
    struct.pack_into(order + "2f", head, 112, *scale)
    if affine is not None:
        struct.pack_into(order + "h", head, 254, 1)
        struct.pack_into(order + "12f", head, 280, *np.asarray(affine, float).ravel())
    head[344:348] = b"n+1\0"
    return bytes(head) + values.astype(order + kind).tobytes(order="F")


def nifti(kind, suffix=".nii", order="<"):
    """One slice, as a converter from DICOM writes it: to the left, to the back."""

    def write(path, pixels):
        values = pixels.T.astype(kind)[..., None]
        data = nifti_bytes(values, affine=np.diag([-1, -1, 1, 0])[:3], order=order)
        path.with_suffix(suffix).write_bytes(gzip.compress(data) if suffix == ".nii.gz" else data)

    return write


def nrrd_bytes(values, kind, *, encoding="raw", directions=None, endian="little"):
    """NRRD of values i x j x k in one piece."""
    lines = ["NRRD0004", "# made by a test", f"type: {kind}", f"dimension: {values.ndim}"]
    lines += [f"sizes: {' '.join(map(str, values.shape))}", f"endian: {endian}"]
    lines += [f"encoding: {encoding}"]
    if directions:
        lines += ["space: left-posterior-superior", f"space directions: {directions}"]
    order = "<" if endian == "little" else ">"
    data = values.astype(values.dtype.newbyteorder(order)).tobytes(order="F")
    return "\n".join([*lines, "", ""]).encode() + (
        gzip.compress(data) if encoding != "raw" else data
    )


def nrrd(kind, dtype, encoding="raw", endian="little"):
    def write(path, pixels):
        data = nrrd_bytes(pixels.T.astype(dtype), kind, encoding=encoding, endian=endian)
        path.with_suffix(".nrrd").write_bytes(data)

    return write


def dicom(bits, *, lossless=False, **attributes):
    """Return a writer of files without a rescale, another patient and series each."""

    def write(path, pixels):
        number = int(path.name) + (1000 if path.parent.name == "ill" else 0)
        dataset = ct(
            pixels,
            Modality="OT",
            PatientID=f"P{number:04d}",
            SeriesInstanceUID=f"1.2.3.{number}",
            SOPInstanceUID=f"1.2.3.4.{number}",
            BitsStored=bits,
            HighBit=bits - 1,
            RescaleSlope=None,
            RescaleIntercept=None,
            **attributes,
        )
        if lossless:
            compressed(dataset, [lossless_jpeg(pixels, 16)], JPEGLosslessSV1)
        save_dicom(dataset, path.with_suffix(".dcm"))

    return write


def write_folder(home: Path, write, images, labels) -> str:
    """Write a sub-folder a class; return what the kind of cohort is."""
    for label in dict.fromkeys(labels):
        (home / label).mkdir(parents=True)
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        write(home / label / f"{number:03d}", image)
    found = next(path for path in home.rglob("*") if path.is_file())
    return f"dicom:{home}" if found.suffix == ".dcm" else f"images:{home}"


def npz(change, **names):
    """Write one file; ``change`` makes of n x h x w what is stored."""

    def write(home, images, labels):
        home.mkdir()
        keys = {"images": "images", "labels": "labels"} | names
        stored = {keys["images"]: change(images), keys["labels"]: np.array(labels)}
        np.savez(home / "set.npz", **stored)
        return f"npz:{home}/set.npz"

    return write


def folder_of(write):
    return lambda home, images, labels: write_folder(home, write, images, labels)


SHALLOW = {
    "png": folder_of(picture(".png", grey8)),
    "png-colour": folder_of(picture(".png", colour8)),
    "png-opaque": folder_of(picture(".png", opaque8)),
    "png-palette": folder_of(palette_png),
    "bmp": folder_of(picture(".bmp", grey8)),
    "tif": folder_of(picture(".TIF", grey8)),
    "pgm-binary": folder_of(pgm("P5", 255)),
    "pgm-text": folder_of(pgm("P2", 255)),
    "npz-8": npz(lambda x: x.astype(np.uint8)),
    "npz-colour": npz(lambda x: np.repeat(x.astype(np.uint8)[..., None], 3, axis=-1)),
    "nifti-8": folder_of(nifti("u1")),
    "nrrd-8": folder_of(nrrd("uchar", "u1")),
    "dicom-8-of-16": folder_of(dicom(8)),
}
"""Containers of 8 bits."""
DEEP = {
    "png-16": folder_of(picture(".png", grey16)),
    "png-16-alpha": folder_of(png16(2)),
    "png-16-colour": folder_of(png16(3)),
    "png-16-opaque": folder_of(png16(4)),
    "tif-16": folder_of(tiff("u2")),
    "tif-16-colour": folder_of(tiff("u2", colour=True)),
    "tif-float": folder_of(tiff("f4")),
    "pgm-16": folder_of(pgm("P5", 65535)),
    "pgm-16-text": folder_of(pgm("P2", 65535)),
    "npz-16": npz(lambda x: x.astype(np.uint16)),
    "npz-float": npz(lambda x: x.astype(np.float64), images="X", labels="y"),
    "npz-channel": npz(lambda x: x.astype(np.int32)[:, None], images="data", labels="target"),
    "nifti-16": folder_of(nifti("u2")),
    "nifti-gz": folder_of(nifti("f4", ".nii.gz", order=">")),
    "nrrd-16": folder_of(nrrd("ushort", "u2", encoding="gzip")),
    "nrrd-big": folder_of(nrrd("unsigned short", "u2", endian="big")),
    "dicom": folder_of(dicom(16)),
    "dicom-lossless": folder_of(dicom(16, lossless=True)),
}
"""Containers of 16 bits and more."""
