import datetime
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from partialpool.container import pack, unpack
from partialpool.errors import SavedModelError

ARRAYS = {
    "float": np.array([[1.0, np.nan], [np.inf, -0.0]]),
    "int": np.arange(5, dtype=np.int32),
    "bool": np.array([True, False]),
    "text": np.array(["a", "Überraschung", ""]),
    "date": np.array(["2026-01-01", "NaT"], dtype="datetime64[ns]"),
    "empty": np.zeros((0, 3)),
    "scalar": np.array(2.5),
    "object": np.array(["a", 1, None, 2.5, True], dtype=object),
}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a.model"


def write(path, text, body=b"", version=1):
    checked = struct.pack("<Q", len(text)) + text + body
    path.write_bytes(struct.pack("<8sII", b"PARTPOOL", version, zlib.crc32(checked)) + checked)


@pytest.mark.parametrize("name", ARRAYS)
def test_an_array_comes_back_with_its_type_and_shape(path, name):
    pack({}, {"before": np.ones(3), name: ARRAYS[name]}, path)
    back = unpack(path).arrays[name]
    assert back.dtype == ARRAYS[name].dtype
    np.testing.assert_array_equal(back, ARRAYS[name])


@given(
    hnp.arrays(
        st.sampled_from(["<f8", ">f8", "<i4", ">i2", "?", "<f4"]),
        hnp.array_shapes(max_dims=3, min_side=0, max_side=4),
    )
)
def test_any_array_of_numbers_comes_back_in_native_order(tmp_path_factory, values):
    path = tmp_path_factory.mktemp("any") / "a.model"
    pack({}, {"values": values}, path)
    back = unpack(path).arrays["values"]
    assert back.dtype.isnative
    np.testing.assert_array_equal(back, values)


def test_a_strided_view_is_saved_by_its_values(path):
    values = np.arange(12.0).reshape(3, 4)[:, ::2]
    pack({}, {"values": values}, path)
    np.testing.assert_array_equal(unpack(path).arrays["values"], values)


def test_the_header_comes_back_with_its_exact_numbers(path):
    header = {"a": 0.1 + 0.2, "b": ["é", None, True], "c": {"d": 2**53}}
    pack(header, {}, path)
    assert unpack(path).header == header


def test_what_is_read_can_not_be_changed(path):
    pack({}, ARRAYS, path)
    with pytest.raises(ValueError, match="read-only"):
        unpack(path).arrays["float"][0, 0] = 5.0


def test_a_label_that_json_can_not_hold_is_refused_by_name(path):
    labels = np.array([datetime.date(2026, 1, 1)], dtype=object)
    with pytest.raises(
        SavedModelError, match=r"'levels' holds datetime.date\(2026, 1, 1\) \(date\)"
    ):
        pack({}, {"levels": labels}, path)


def test_values_that_are_not_plain_are_refused(path):
    with pytest.raises(SavedModelError, match="'z' holds complex128 values"):
        pack({}, {"z": np.ones(2, dtype=complex)}, path)


def test_a_failed_save_leaves_the_older_file_as_it_was(path):
    pack({"n": 1}, {}, path)
    with pytest.raises(TypeError):
        pack({"n": object()}, {}, path)
    assert unpack(path).header == {"n": 1}
    assert list(path.parent.iterdir()) == [path]


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(SavedModelError, match=r"can't write '.*nowhere.*': No such file"):
        pack({}, {}, tmp_path / "nowhere" / "a.model")


def test_a_missing_file_is_named(path):
    with pytest.raises(SavedModelError, match=r"can't read '.*a\.model': No such file"):
        unpack(path)


@pytest.mark.parametrize("content", [b"", b"PARTPOOL", b"\x80\x04K\x01.", b"Reaction,Days\n1,2\n"])
def test_a_foreign_file_is_refused(path, content):
    path.write_bytes(content)
    with pytest.raises(SavedModelError, match="not a model saved by partialpool"):
        unpack(path)


@pytest.mark.parametrize("lost", [1, 10, 64])
def test_a_file_cut_short_is_refused(path, lost):
    pack({}, ARRAYS, path)
    path.write_bytes(path.read_bytes()[:-lost])
    with pytest.raises(SavedModelError, match="cut short or damaged"):
        unpack(path)


def test_one_flipped_bit_is_noticed(path):
    pack({}, ARRAYS, path)
    raw = bytearray(path.read_bytes())
    raw[-100] ^= 1
    path.write_bytes(raw)
    with pytest.raises(SavedModelError, match="checksum does not match"):
        unpack(path)


def test_a_newer_layout_asks_for_an_upgrade(path):
    write(path, b"{}", version=2)
    with pytest.raises(
        SavedModelError, match="has file layout 2, and this partialpool reads up to 1"
    ):
        unpack(path)


@pytest.mark.parametrize(
    "text",
    [
        b"not json",
        b"[]",
        b"{}",
        b'{"header": {}, "arrays": {"a": {"dtype": "|O", "shape": [1], "offset": 0}}}',
        b'{"header": {}, "arrays": {"a": {"dtype": "<f8", "shape": [9], "offset": 0}}}',
        b'{"header": {}, "arrays": {"a": {"dtype": "<f8", "shape": [-1], "offset": 0}}}',
        b'{"header": {}, "arrays": {"a": {"dtype": "<f8", "shape": [1], "offset": -8}}}',
        b'{"header": {}, "arrays": {"a": {"dtype": "hello", "shape": [1], "offset": 0}}}',
    ],
)
def test_a_forged_description_is_refused(path, text):
    write(path, text, bytes(16))
    with pytest.raises(SavedModelError, match="is damaged"):
        unpack(path)
