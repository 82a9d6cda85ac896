"""HDF5 files of kinds that Keras does not write."""

import io

import numpy as np
import pytest
from keras_file import refused, with_members

h5py = pytest.importorskip("h5py")
# ---- files of strangers ---------------------------------------------------------------------------------------------


def hdf5(write):
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        write(file)
    return content.getvalue()


def with_links(file):
    file.create_dataset("a", data=np.zeros(3, "float32"))
    file.create_group("vars")["self"] = file["/"]


HOSTILE = {
    "soft link": (lambda file: file.__setitem__("a", h5py.SoftLink("/b")), "a link 'a'"),
    "external link": (lambda file: file.__setitem__("a", h5py.ExternalLink("/etc/passwd", "/")), "a link 'a'"),
    "circle": (with_links, "two names"),
    "compressed": (lambda file: file.create_dataset("a", data=np.zeros(10**6, "float32"), compression="gzip"),
                   "compressed, in pieces"),
    "pieces": (lambda file: file.create_dataset("a", (10**12,), "float32", chunks=(10,)), "in pieces"),
    "nothing written": (lambda file: file.create_dataset("a", (10**12,), "float32"), "more entries"),
    "elsewhere": (lambda file: file.create_dataset("a", (3,), "float32", external=[("/etc/hostname", 0, 12)]),
                  "elsewhere"),
    "strings": (lambda file: file.create_dataset("a", data=["x"]), "dtype object"),
    "big-endian": (lambda file: file.create_dataset("a", data=np.zeros(3, ">f4")), "dtype >f4"),
    "opaque": (lambda file: file.create_dataset("a", data=np.zeros(3, "V8")), "dtype"),
    "references": (lambda file: file.create_dataset("a", data=file["/"].ref, dtype=h5py.ref_dtype), "dtype object"),
    "a long name": (lambda file: file.create_group("x" * 10**4), "name of 10,000 characters"),
    "a type": (lambda file: file.__setitem__("a", np.dtype("f8")), "neither a group nor an array"),
    "empty": (lambda file: file.create_dataset("a", data=h5py.Empty("f4")), "dtype|more entries"),
    "deep": (lambda file: file.create_group("/".join("g" * 1)).create_group("/".join(["g"] * 80)), "inside groups"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hdf5_of_other_kinds(name):
    write, message = HOSTILE[name]
    refused(with_members({"model.weights.h5": hdf5(write)}), message)
