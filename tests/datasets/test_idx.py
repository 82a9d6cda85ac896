"""The IDX format: bytes written by hand, round trips over every type and shape, and files that are broken."""

import gzip
import itertools
import math
import os
import re
import stat
import tracemalloc

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tinynet.datasets import idx

# A flat array of each type and the file that holds it, written by hand from the format's description:
# two zero bytes, the type code, 1 dimension, its size in 4 bytes, the entries with the highest byte first.
BY_HAND = {
    "uint8": ([0, 1, 128, 255], "00000801 00000004 00 01 80 FF"),
    "int8": ([0, 1, -1, -128, 127], "00000901 00000005 00 01 FF 80 7F"),
    "int16": ([1, -2, 258, -32768], "00000B01 00000004 0001 FFFE 0102 8000"),
    "int32": ([1, -2, 0x01020304, -(1 << 31)], "00000C01 00000004 00000001 FFFFFFFE 01020304 80000000"),
    "float32": ([1, -2, 0.15625, -np.inf], "00000D01 00000004 3F800000 C0000000 3E200000 FF800000"),
    "float64": ([1, -2, 0.15625], "00000E01 00000003 3FF0000000000000 C000000000000000 3FC4000000000000"),
}
NATIVE = {code: np.dtype(name) for code, name in zip((0x08, 0x09, 0x0B, 0x0C, 0x0D, 0x0E), BY_HAND, strict=True)}
GRID = np.array([[1, 2, 3], [4, 5, 255]], np.uint8)
GRID_BYTES = bytes.fromhex("00000802 00000002 00000003 010203 0405FF")
GRID_GZ = gzip.compress(GRID_BYTES, mtime=0)
HUGE = b"\xff\xff\xff\xff"  # the largest size that a header can declare, 2^32 - 1
ARRANGEMENTS = {
    "Fortran": lambda array: np.array(array, order="F"),
    "big-endian": lambda array: array.astype(array.dtype.newbyteorder(">")),
    "little-endian": lambda array: array.astype(array.dtype.newbyteorder("<")),
    "transposed": lambda array: array.T,
    "backwards": lambda array: array[(slice(None, None, -1),) * array.ndim],
    "every other": lambda array: array[(slice(None, None, 2),) * array.ndim],
}
PAGE = b"<!DOCTYPE html><html><body>404: Not Found</body></html>"

# Broken files are at most 50 KB, held three times (as read, joined, cut into pieces), and zlib's state takes some 50 KB
# for each of two streams. What they declare or expand to is 50 MB and more.
LITTLE_MEMORY = 500_000


def refusal(path, content):
    """Write the content under this path; the reason, without the path, for which reading it is refused."""
    path.write_bytes(content)
    with pytest.raises(idx.IdxError) as caught:
        idx.read(path)
    where, _, reason = str(caught.value).partition(": ")
    assert where == str(path)
    return reason


def refusal_and_peak(path):
    """The reason for which this file is refused, and the most bytes of memory that were held meanwhile."""
    tracemalloc.start()
    try:
        idx.read(path)
    except idx.IdxError as error:
        return str(error), tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    raise AssertionError("the file was read")


def assert_same(found, expected):
    assert found.shape == expected.shape
    assert found.dtype == expected.dtype.newbyteorder("=")
    assert found.dtype.isnative
    assert found.tobytes() == expected.astype(found.dtype).tobytes()  # bytes, so that NaN and -0.0 are compared too


@st.composite
def arrays(draw):
    """Arrays of every type, of 0 to 5 dimensions of 0 to 3, with any bits: infinities, -0.0, each kind of NaN."""
    dtype = draw(st.sampled_from(list(NATIVE.values())))
    shape = draw(hnp.array_shapes(min_dims=0, max_dims=5, min_side=0, max_side=3))
    length = dtype.itemsize * math.prod(shape)
    return np.frombuffer(draw(st.binary(min_size=length, max_size=length)), dtype).reshape(shape)


# --- bytes written by hand


@pytest.mark.parametrize("dtype", BY_HAND)
def test_each_type_is_written_as_the_format_says(tmp_path, dtype):
    values, text = BY_HAND[dtype]
    idx.write(tmp_path / "a", np.array(values, dtype))
    assert (tmp_path / "a").read_bytes() == bytes.fromhex(text)


@pytest.mark.parametrize("dtype", BY_HAND)
def test_each_type_is_read_as_the_format_says(tmp_path, dtype):
    values, text = BY_HAND[dtype]
    (tmp_path / "a").write_bytes(bytes.fromhex(text))
    found = idx.read(tmp_path / "a")
    assert found.dtype == np.dtype(dtype)
    assert found.dtype.isnative
    assert found.tolist() == values


@pytest.mark.parametrize("dtype", BY_HAND)
@pytest.mark.parametrize("name", ["a", "a.gz"])
def test_what_is_read_can_be_written_to(tmp_path, dtype, name):
    idx.write(tmp_path / name, np.array([1, 2, 3], dtype))
    found = idx.read(tmp_path / name)
    found += 1
    assert found.tolist() == [2, 3, 4]


def test_two_dimensions_are_stored_row_by_row(tmp_path):
    idx.write(tmp_path / "a", GRID)
    assert (tmp_path / "a").read_bytes() == GRID_BYTES
    assert idx.read(tmp_path / "a").tolist() == GRID.tolist()


def test_the_six_type_codes_are_those_of_the_format():
    assert {code: np.dtype(dtype).newbyteorder("=") for code, dtype in idx.TYPES.items()} == NATIVE


def test_gzip_is_told_by_content_and_not_by_name(tmp_path):
    (tmp_path / "a").write_bytes(GRID_GZ)
    (tmp_path / "b.gz").write_bytes(GRID_BYTES)
    assert idx.read(tmp_path / "a").tolist() == idx.read(tmp_path / "b.gz").tolist() == GRID.tolist()


def test_a_path_may_be_a_string_a_path_or_a_directory_entry(tmp_path):
    idx.write(str(tmp_path / "a.gz"), GRID)
    (entry,) = os.scandir(tmp_path)
    assert idx.read(entry).tolist() == GRID.tolist()
    idx.write(entry, GRID.T)
    assert (tmp_path / "a.gz").read_bytes()[:2] == b"\x1f\x8b"
    assert idx.read(str(tmp_path / "a.gz")).tolist() == GRID.T.tolist()


def test_a_file_that_is_not_there_is_reported_as_that(tmp_path):
    with pytest.raises(FileNotFoundError, match="absent"):
        idx.read(tmp_path / "absent")


# --- shapes


def test_zero_dimensions_are_one_number(tmp_path):
    idx.write(tmp_path / "a", np.array(-2, np.int16))
    assert (tmp_path / "a").read_bytes() == bytes.fromhex("00000B00 FFFE")
    found = idx.read(tmp_path / "a")
    assert type(found) is np.ndarray
    assert (found.shape, found.dtype, int(found)) == ((), np.int16, -2)


@pytest.mark.parametrize("dtype", BY_HAND)
@pytest.mark.parametrize("shape", [(0,), (0, 28, 28), (3, 0), (2, 0, 4), (0, 0), ((1 << 32) - 1, 0)])
def test_a_size_of_zero_is_kept(tmp_path, dtype, shape):
    for name in ("a", "a.gz"):
        idx.write(tmp_path / name, np.empty(shape, dtype))
        found = idx.read(tmp_path / name)
        assert (found.shape, found.dtype) == (shape, np.dtype(dtype))


@pytest.mark.parametrize("shape", [(7,), (2, 3), (2, 3, 4), (2, 1, 3, 2), (1, 2, 3, 2, 2), (1,) * 64])
def test_one_to_five_dimensions_and_as_many_as_numpy_has(tmp_path, shape):
    array = np.arange(np.prod(shape), dtype=np.int32).reshape(shape)
    idx.write(tmp_path / "a", array)
    assert (tmp_path / "a").read_bytes()[:4] == bytes([0, 0, 0x0C, len(shape)])
    assert_same(idx.read(tmp_path / "a"), array)


@pytest.mark.parametrize("dtype", BY_HAND)
@pytest.mark.parametrize("dims", range(4))
def test_entries_lie_in_memory_where_the_processor_wants_them(dtype, dims):
    assert idx.decode(idx.encode(np.ones((2,) * dims, dtype))).flags.aligned


# --- round trips


@given(array=arrays(), name=st.sampled_from(["a", "a.gz"]))
@example(array=np.array([0x7F800001, 0xFFC12345, 0x80000000], np.uint32).view(np.float32), name="a")  # a signalling NaN
@example(array=np.array([0x7FF0000000000001, 0xFFF8000000001234], np.uint64).view(np.float64), name="a.gz")
def test_any_array_comes_back_to_the_bit(tmp_path_factory, array, name):
    path = tmp_path_factory.mktemp("round") / name
    idx.write(path, array)
    found = idx.read(path)
    assert_same(found, array)
    assert found.flags.writeable


@pytest.mark.parametrize("arrangement", ARRANGEMENTS)
@given(array=arrays())
def test_the_arrangement_in_memory_does_not_matter(array, arrangement):
    arranged = ARRANGEMENTS[arrangement](array)
    before = arranged.tobytes()
    written = idx.encode(arranged)
    assert_same(idx.decode(written), arranged)
    assert arranged.tobytes() == before


def test_lists_and_read_only_arrays_can_be_written(tmp_path):
    array = np.array([1.5, -2.5])
    array.flags.writeable = False
    idx.write(tmp_path / "a", array)
    idx.write(tmp_path / "b", [1.5, -2.5])
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert idx.read(tmp_path / "b").tolist() == [1.5, -2.5]


def test_the_same_array_gives_the_same_gzipped_bytes(tmp_path, monkeypatch):
    idx.write(tmp_path / "a.gz", GRID)
    monkeypatch.setattr("time.time", lambda: 2_000_000_000.0)
    idx.write(tmp_path / "b.gz", GRID)
    first = (tmp_path / "a.gz").read_bytes()
    assert first == (tmp_path / "b.gz").read_bytes()
    assert first[:2] == b"\x1f\x8b"
    assert first[3] == 0  # no file name, no comment
    assert first[4:8] == bytes(4)  # no time
    assert gzip.decompress(first) == GRID_BYTES


@pytest.mark.parametrize("split", range(len(GRID_BYTES) + 1))
def test_gzip_members_are_joined_wherever_they_were_split(split):
    content = gzip.compress(GRID_BYTES[:split]) + gzip.compress(GRID_BYTES[split:])
    assert idx.decode(content).tolist() == GRID.tolist()


def test_many_members_larger_than_a_chunk_are_joined(tmp_path):
    array = np.random.default_rng(0).integers(0, 256, (3, idx.CHUNK), dtype=np.uint8)  # noise, which gzip cannot shrink
    whole = idx.encode(array)
    cuts = itertools.pairwise([0, 1000, idx.CHUNK + 7, 2 * idx.CHUNK + 9, len(whole)])
    (tmp_path / "a.gz").write_bytes(b"".join(gzip.compress(whole[a:b], 1) for a, b in cuts))
    assert np.array_equal(idx.read(tmp_path / "a.gz"), array)


def test_a_gzip_header_may_hold_a_long_comment():
    commented = GRID_GZ[:3] + b"\x10" + GRID_GZ[4:10] + b"c" * 3000 + b"\0" + GRID_GZ[10:]  # RFC 1952: FCOMMENT
    assert gzip.decompress(commented) == GRID_BYTES
    assert idx.decode(commented).tolist() == GRID.tolist()


# --- what cannot be written


@pytest.mark.parametrize(
    ("array", "name"),
    [
        ([True, False], "bool"),
        (np.array([1], np.int64), "int64"),
        (np.array([1], np.uint16), "uint16"),
        (np.array([1], np.float16), "float16"),
        ([1j], "complex128"),
        (np.array([None]), "object"),
        (np.array(["a"]), "<U1"),
    ],
)
def test_a_type_that_the_format_lacks_is_refused_by_name(tmp_path, array, name):
    with pytest.raises(ValueError, match=rf"no type for {name}; .*one of uint8, int8, int16, int32, float32, float64"):
        idx.write(tmp_path / "a", array)
    assert list(tmp_path.iterdir()) == []


def test_a_size_beyond_four_bytes_is_refused():
    with pytest.raises(ValueError, match=r"4294967296.*4 bytes"):
        idx.encode(np.broadcast_to(np.uint8(0), (1 << 32,)))


@pytest.mark.parametrize("step", ["replace", "fsync"])
@pytest.mark.parametrize("name", ["a", "a.gz"])
def test_a_write_that_fails_leaves_the_old_file_and_no_litter(tmp_path, monkeypatch, step, name):
    idx.write(tmp_path / name, GRID)
    before = (tmp_path / name).read_bytes()

    def fail(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, step, fail)
        with pytest.raises(OSError, match="No space left"):
            idx.write(tmp_path / name, GRID + 1)
    assert (tmp_path / name).read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == [name]


def test_an_interrupted_write_leaves_the_old_file_and_no_litter(tmp_path, monkeypatch):
    idx.write(tmp_path / "a", GRID)

    def interrupt(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", interrupt)
        with pytest.raises(KeyboardInterrupt):
            idx.write(tmp_path / "a", GRID + 1)
    assert idx.read(tmp_path / "a").tolist() == GRID.tolist()
    assert [entry.name for entry in tmp_path.iterdir()] == ["a"]


def test_the_bytes_are_on_the_disk_before_the_name_is(tmp_path, monkeypatch):
    steps = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda number: (steps.append(os.fstat(number).st_size), fsync(number)))
    monkeypatch.setattr(os, "replace", lambda old, new: (steps.append("replace"), replace(old, new)))
    idx.write(tmp_path / "a", GRID)
    assert steps[:2] == [len(GRID_BYTES), "replace"]
    assert len(steps) == (2 if os.name == "nt" else 3)  # at last the folder


def test_writing_replaces_the_file_that_was_there(tmp_path):
    idx.write(tmp_path / "a", np.zeros(100, np.uint8))
    idx.write(tmp_path / "a", GRID)
    assert (tmp_path / "a").read_bytes() == GRID_BYTES
    assert [entry.name for entry in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_the_permissions_follow_the_umask(tmp_path, mask, mode):
    old = os.umask(mask)
    try:
        idx.write(tmp_path / "a", GRID)
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == mode


def test_a_folder_that_is_not_there_is_reported_by_name(tmp_path):
    with pytest.raises(FileNotFoundError, match="absent"):
        idx.write(tmp_path / "absent" / "a", GRID)


# --- broken files: the message names the path (checked by refusal) and the reason


def test_an_idx_error_is_a_value_error():
    assert issubclass(idx.IdxError, ValueError)


@pytest.mark.parametrize("wrap", [bytes, gzip.compress], ids=["plain", "gzipped"])
@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "at least 4 bytes; there are 0"),
        (GRID_BYTES[:3], "at least 4 bytes; there are 3"),
        (b"\x01" + GRID_BYTES[1:], "not with two zero bytes"),
        (b"\x00\x01" + GRID_BYTES[2:], "not with two zero bytes"),
        (b"\x00\x00\x0a" + GRID_BYTES[3:], "type byte is 0A; known are 08, 09, 0B, 0C, 0D, 0E"),
        (GRID_BYTES[:4], "header ends after 4 bytes, but 2 dimensions take 12"),
        (GRID_BYTES[:11], "header ends after 11 bytes, but 2 dimensions take 12"),
        (b"\x00\x00\x08\xff" + b"\x00\x00\x00\x01" * 255 + b"\0", "255 dimensions; NumPy arrays have at most 64"),
        (b"\x00\x00\x08\x41" + b"\x00\x00\x00\x01" * 65 + b"\0", "65 dimensions; NumPy arrays have at most 64"),
        (GRID_BYTES[:12], "cut off: the header declares 18 bytes, there are 12"),
        (GRID_BYTES[:-1], "cut off: the header declares 18 bytes, there are 17"),
        (PAGE, "'<!DOCTYP'.*web page"),
        (b"\r\n  " + PAGE, "web page"),
    ],
)
def test_a_broken_file_is_refused_with_its_path_and_the_reason(tmp_path, content, reason, wrap):
    assert re.search(reason, refusal(tmp_path / "a.gz", wrap(content)))


def test_one_byte_too_many_is_refused(tmp_path):
    assert "the header declares 18 bytes, there are 19" in refusal(tmp_path / "a", GRID_BYTES + b"\0")
    assert "more entries than the header declares" in refusal(tmp_path / "a.gz", gzip.compress(GRID_BYTES + b"\0"))


@pytest.mark.parametrize("length", range(2, len(GRID_GZ)))
def test_a_gzip_file_that_is_cut_off_anywhere_is_called_cut_off(tmp_path, length):
    assert re.search("gzip.* cut off", refusal(tmp_path / "a.gz", GRID_GZ[:length]))


@pytest.mark.parametrize("length", [1000, 50_000, 100_000])
def test_a_large_gzip_file_that_is_cut_off_is_called_cut_off(tmp_path, length):
    noise = np.random.default_rng(0).integers(0, 256, 2_000_000, dtype=np.uint8)
    content = gzip.compress(idx.encode(noise), 1)
    assert re.search("gzip.* cut off|cut off.* gzip", refusal(tmp_path / "a.gz", content[:length]))


def test_a_checksum_that_does_not_fit_is_called_damage(tmp_path):
    flipped = bytearray(GRID_GZ)
    flipped[-8] ^= 1  # RFC 1952: the last eight bytes are the CRC32 and the length
    assert re.search("gzip data is damaged .*incorrect data check", refusal(tmp_path / "a.gz", flipped))


@pytest.mark.parametrize("place", range(len(GRID_GZ)))
def test_a_flipped_bit_in_a_gzip_file_never_changes_an_entry(place):
    for bit in range(8):
        flipped = bytearray(GRID_GZ)
        flipped[place] ^= 1 << bit
        try:
            found = idx.decode(bytes(flipped))
        except idx.IdxError:
            continue
        assert 3 <= place < 10 or place == len(GRID_GZ) - 9  # flags, time, system; the bits that fill the last byte
        assert found.tolist() == GRID.tolist()


@pytest.mark.parametrize("garbage", [b"x", b"\x1f", b"garbage", PAGE])
def test_something_else_behind_the_gzip_data_is_refused(tmp_path, garbage):
    assert f"{len(garbage)} bytes of something else follow" in refusal(tmp_path / "a.gz", GRID_GZ + garbage)


def test_a_second_array_behind_the_first_is_refused(tmp_path):
    assert "more entries than the header declares" in refusal(tmp_path / "a.gz", GRID_GZ + GRID_GZ)


def test_a_file_that_was_gzipped_twice_is_refused(tmp_path):
    assert "not an IDX file" in refusal(tmp_path / "a.gz", gzip.compress(GRID_GZ))


@pytest.mark.parametrize("sizes", [bytes(4) + HUGE * 2, HUGE * 2 + bytes(4), bytes(4) + HUGE * 3], ids=bytes.hex)
def test_sizes_that_numpy_cannot_hold_are_refused_though_one_is_zero(tmp_path, sizes):
    content = bytes([0, 0, 8, len(sizes) // 4]) + sizes
    assert "4294967295" in refusal(tmp_path / "a", content).replace(",", "")
    assert "4294967295" in refusal(tmp_path / "a.gz", gzip.compress(content)).replace(",", "")


# --- memory


@pytest.mark.parametrize("wrap", [bytes, gzip.compress], ids=["plain", "gzipped"])
@pytest.mark.parametrize("sizes", [HUGE, HUGE * 2, HUGE * 4, b"\x03\x00\x00\x00"], ids=bytes.hex)
def test_absurd_sizes_are_refused_before_memory_is_taken(tmp_path, sizes, wrap):
    (tmp_path / "a").write_bytes(wrap(bytes([0, 0, 0x0E, len(sizes) // 4]) + sizes + bytes(100)))
    reason, peak = refusal_and_peak(tmp_path / "a")
    assert re.search(r"the header declares [\d,]{11,} bytes", reason)
    assert peak < LITTLE_MEMORY


def test_a_large_file_that_is_not_what_it_declares_is_refused_unread(tmp_path):
    (tmp_path / "a").write_bytes(GRID_BYTES)
    os.truncate(tmp_path / "a", 100_000_000)  # which takes no room on the disk
    reason, peak = refusal_and_peak(tmp_path / "a")
    assert "the header declares 18 bytes, there are 100,000,000" in reason
    assert peak < LITTLE_MEMORY


def test_a_gzip_bomb_is_refused_before_it_goes_off(tmp_path):
    (tmp_path / "a.gz").write_bytes(gzip.compress(bytes([0, 0, 8, 1]) + (10).to_bytes(4, "big") + bytes(50_000_000)))
    reason, peak = refusal_and_peak(tmp_path / "a.gz")
    assert "more entries than the header declares" in reason
    assert peak < LITTLE_MEMORY


def test_a_bomb_in_a_later_gzip_member_is_refused_as_well(tmp_path):
    (tmp_path / "a.gz").write_bytes(GRID_GZ + gzip.compress(bytes(50_000_000)))
    reason, peak = refusal_and_peak(tmp_path / "a.gz")
    assert "more entries than the header declares" in reason
    assert peak < LITTLE_MEMORY


def test_memory_follows_the_data_and_not_the_header(tmp_path):
    noise = np.random.default_rng(0).bytes(50_000)  # 50 KB that could, as far as their length tells, expand to 50 MB
    (tmp_path / "a.gz").write_bytes(gzip.compress(bytes([0, 0, 8, 1]) + (50_000_000).to_bytes(4, "big") + noise))
    reason, peak = refusal_and_peak(tmp_path / "a.gz")
    assert "cut off" in reason
    assert peak < LITTLE_MEMORY


def test_an_honest_file_that_deflates_as_far_as_possible_is_read(tmp_path):
    zeros = np.zeros(5_000_000, np.uint8)
    idx.write(tmp_path / "a.gz", zeros)
    assert (tmp_path / "a.gz").stat().st_size < 5_000_000 / 1000
    assert np.array_equal(idx.read(tmp_path / "a.gz"), zeros)


# --- anything at all


@st.composite
def mutated_files(draw):
    """The bytes of a small valid file, plain or gzipped, that were cut, changed or added to in up to three places."""
    content = idx.encode(draw(arrays()))
    content = bytearray(gzip.compress(content, 1, mtime=0) if draw(st.booleans()) else content)
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, len(content)))
        how = draw(st.sampled_from(["truncate", "flip", "insert"]))
        if how == "truncate":
            del content[place:]
        elif how == "insert":
            content[place:place] = draw(st.binary(min_size=1, max_size=8))
        elif place < len(content):
            content[place] ^= draw(st.integers(1, 255))
    return bytes(content)


@settings(max_examples=300)
@given(content=st.one_of(mutated_files(), st.binary(max_size=60), st.binary(max_size=60).map(gzip.compress)))
def test_any_bytes_give_an_array_or_an_idx_error(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("mutated") / "a"
    path.write_bytes(content)
    try:
        found, reason = idx.read(path), ""
    except idx.IdxError as error:
        found, reason = None, str(error)
    if reason:
        assert re.match(f"{re.escape(str(path))}: .{{10}}", reason)
    else:
        assert_same(idx.decode(idx.encode(found)), found)
