from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.data import Dataset, DataSpec, Preprocessing, load_data
from edgekit.data.sidecar import Sidecar, read_sidecar, write_sidecar
from edgekit.data.sources.text import MOST_BYTES
from edgekit.errors import DataError


def write(path: Path, text: str) -> str:
    path.write_bytes(text.encode())
    return str(path)


def rows(count: int = 60, *, label_first: bool = False, header: str = "") -> str:
    """Sample i says how many it is, and whether that is even."""
    pairs = [(f"it is number n{i} , and so on", ("even", "odd")[i % 2]) for i in range(count)]
    return header + "".join("\t".join(p[::-1] if label_first else p) + "\n" for p in pairs)


def sentences(data: Dataset, name: Any) -> list[str]:
    return [row.tobytes().rstrip(b"\0").decode() for row in data.raw(name).x]


@pytest.mark.parametrize("label_first", [False, True])
@pytest.mark.parametrize("header", ["", "names"])
def test_either_column_is_the_label(label_first: bool, header: str, tmp_path: Path) -> None:
    header = header and ("Label\tsentence\n" if label_first else "sentence\tLabel\n")
    path = write(tmp_path / "d.tsv", rows(label_first=label_first, header=header))
    data = load_data(DataSpec(source=path, calibration=10))
    assert data.label_names == ("even", "odd") and sum(len(s) for s in data.splits.values()) == 60
    for name, part in data.splits.items():
        assert part.x.dtype == np.uint8 and part.x.ndim == 2
        for sentence, label in zip(sentences(data, name), part.y, strict=True):
            assert int(sentence.split()[3][1:]) % 2 == label


def test_integer_labels_sort_as_numbers(tmp_path: Path) -> None:
    text = "".join(f"some words here\t{(10, 9, -1)[i % 3]}\r\n" for i in range(30))
    assert load_data(write(tmp_path / "d.tsv", "\ufeff" + text)).label_names == ("-1", "9", "10")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds rows of a sentence and a label. Received: .*an empty file"),
        ("\n \n", "an empty file"),
        ("sentence\tlabel\n", "at least two classes. Received: .*with only a header"),
        ("a b\t1\n\na b\n", "one tab and a label. Received: 1 columns in row 3"),
        ("a b\t1\na\tb\t0\n", "Received: 3 columns in row 2 .*Replace tabs"),
        ("a b\t1\na b\t\n" * 3, "has a sentence and a label. Received: no label in row 2"),
        ("a b\t1\n \t0\n" * 3, "Received: no sentence in row 2"),
        ("a b\t1\nc d\t1\n" * 3, "at least two classes. Received: .*with only '1'"),
        ("a b\tc d\ne f\tg h\n", "One column of a .tsv is the label.*2 and 2 different values in 2 rows.*header"),
    ],
)
def test_bad_files(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=message):
        load_data(write(tmp_path / "d.tsv", text))


def test_what_is_no_text_or_not_there(tmp_path: Path) -> None:
    (tmp_path / "d.tsv").write_bytes(b"caf\xe9\t1\n")
    with pytest.raises(DataError, match="is UTF-8 text.*0xe9.*Save it as UTF-8"):
        load_data(str(tmp_path / "d.tsv"))
    with pytest.raises(DataError, match="must exist. Received: 'absent.tsv'. Check the path"):
        load_data("absent.tsv")


def test_long_sentences_are_cut_between_characters(tmp_path: Path) -> None:
    long = "x" + "é" * MOST_BYTES
    data = load_data(write(tmp_path / "d.tsv", rows() + f"{long}\todd\n" * 20))
    cut = {s for s in sentences(data, "train") if s.startswith("x")}
    assert cut == {"x" + "é" * ((MOST_BYTES - 1) // 2)} and data.raw("train").x.shape[1] == MOST_BYTES - 1


def tokenize(text: str | list[str], **options: Any) -> list[list[int]]:
    encoded = [t.encode() for t in ([text] if isinstance(text, str) else text)]
    x = np.array([list(e.ljust(80, b"\0")) for e in encoded], np.uint8)
    found = Preprocessing.parse([{"tokenize": options}]).apply(x)
    assert found.dtype == np.int32
    return found.tolist()  # type: ignore[no-any-return]


def test_words_and_signs() -> None:
    words = ["it", "s", "don't", "ok", "!", "'", "été", "3"]
    found = tokenize("It 's  'OK'!! don't\tété 3 ÉTÉ other", vocabulary=words, length=14)
    assert found == [[2, 7, 3, 7, 5, 7, 6, 6, 4, 8, 9, 1, 1, 0]]
    assert tokenize(["ok " * 9, ""], vocabulary=["ok"], length=3) == [[2, 2, 2], [0, 0, 0]]


def test_only_training_rows_teach_words(tmp_path: Path) -> None:
    """Each sentence has a word of its own, twice, so that any row that taught the list would show."""
    text = "".join(f"w{i} is w{i}\t{i % 2}\n" for i in range(200))
    data = load_data(DataSpec(source=write(tmp_path / "d.tsv", text), calibration=10))
    (operation,) = data.preprocessing.operations
    trained = {s.split()[0] for s in sentences(data, "train")}
    assert set(operation.vocabulary) == trained | {"is"}  # type: ignore[union-attr]
    assert operation.vocabulary[0] == "is", "the most frequent first"  # type: ignore[union-attr, index]
    assert (data.features("train")[:, :3] > 1).all() and set(data.features("train")[:, 3:].ravel()) == {0}
    for name in ("validation", "test", "calibration"):
        x = data.features(name)
        assert x.shape[1] == 40 and x.dtype == np.int32 and (x[:, :3] == [1, 2, 1]).all()


def test_words_that_come_once_are_unknown_and_the_list_ends(tmp_path: Path) -> None:
    path = write(tmp_path / "d.tsv", rows())
    assert not any("n" in w[:1] and w[1:].isdecimal() for w in vocabulary(load_data(path)))
    spec = DataSpec(source=path, preprocessing=({"tokenize": {"vocabulary": 3, "length": 4}},))
    assert len(vocabulary(load_data(spec))) == 3 and load_data(spec).features("test").shape[1:] == (4,)
    once = "".join(f"a{i}\tx\nb{i}\ty\n" for i in range(9))
    with pytest.raises(DataError, match="needs a word that comes at least 2 times.*Give more data"):
        load_data(write(tmp_path / "once.tsv", "sentence\tlabel\n" + once))


def vocabulary(data: Dataset) -> tuple[str, ...]:
    return data.preprocessing.operations[0].vocabulary  # type: ignore[union-attr, return-value]


def test_the_words_go_with_the_model(tmp_path: Path) -> None:
    """And are applied as they are in evaluation; without them, a trained model's input would be made up."""
    path = write(tmp_path / "d.tsv", rows())
    data = load_data(path)
    assert Preprocessing.parse(json.loads(json.dumps(data.preprocessing.dump()))) == data.preprocessing
    write_sidecar(tmp_path / "m.tflite", Sidecar(data.preprocessing, data.label_names, "classification"))
    found = read_sidecar(tmp_path / "m.tflite")
    assert found is not None
    other = load_data(write(tmp_path / "e.tsv", rows(20) * 2), trained=True, preprocessing=found.preprocessing)
    assert vocabulary(other) == vocabulary(data)
    with pytest.raises(DataError, match=r"needs the vocabulary that it was trained with.*Keep the \.json"):
        load_data(path, trained=True)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"vocabulary": ["ok", "Not"]}, "'Not' is not one word in lower case or one sign"),
        ({"vocabulary": ["two words"]}, "'two words' is not one word"),
        ({"vocabulary": ["a", "b", "a"]}, "'a' stands in it twice"),
        ({"vocabulary": 0}, "1 to 8000 words can be learned. Received: .*0"),
        ({"vocabulary": 8001}, "1 to 8000 words can be learned"),
        ({"length": 0}, "length: .*greater than 0"),
        ({"vocabulary": ["w" * 9 + "W"] * 900}, r"Received: .{200}\.\.\.\. Options of tokenize: vocabulary, length"),
    ],
)
def test_bad_options(options: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=f"options of tokenize must fit.*{message}"):
        Preprocessing.parse([{"tokenize": options}])


def test_what_cannot_be_tokenised() -> None:
    known = Preprocessing.parse([{"tokenize": {"vocabulary": ["a"]}}])
    for x in (np.zeros((2, 4), np.float32), np.zeros((2, 4, 4), np.uint8)):
        with pytest.raises(DataError, match="takes text as UTF-8 bytes.*Received: (float32|uint8)"):
            known.apply(x)
    with pytest.raises(DataError, match="tokenize needs its list of words. Received: the number 8000"):
        Preprocessing.parse(["tokenize"]).apply(np.zeros((2, 4), np.uint8))


def test_a_second_file_is_the_test_split(tmp_path: Path) -> None:
    first = write(tmp_path / "a.tsv", rows(60))
    second = write(
        tmp_path / "b.tsv", "odd\tan odd one , longer than any that was seen in training\neven\tan even one\n" * 3
    )
    data = load_data(DataSpec(source=first, test_source=second, calibration=10))
    assert sentences(data, "test")[1] == "an even one" and data.labels("test").tolist() == [1, 0] * 3
    assert sum(len(data.raw(n)) for n in ("train", "validation", "calibration")) == 60
    assert "odd" not in vocabulary(data) and data.features("test").shape == (6, 40)
    assert data.fingerprint != load_data(first).fingerprint


def test_a_second_file_of_numbers(tmp_path: Path) -> None:
    x, y = np.arange(60, dtype=np.float32)[:, np.newaxis], np.arange(60) % 3
    np.savez(tmp_path / "a.npz", x_train=x, y_train=y)
    np.savez(tmp_path / "all.npz", x_train=x[:9], y_train=y[:9])
    np.savez(tmp_path / "own.npz", x_train=x, y_train=y, x_test=x[:4] + 100, y_test=y[:4])
    text = "x,label\n" + "".join(f"{i},{i % 3}\n" for i in range(9))
    for name, first in (("all.npz", 0), ("own.npz", 100), ("c.csv", 0)):
        write(tmp_path / "c.csv", text)
        data = load_data(DataSpec(source=str(tmp_path / "a.npz"), test_source=str(tmp_path / name)))
        assert data.features("test")[0] == first and len(data.features("test")) == (4 if first else 9)
        np.testing.assert_array_equal(data.labels("test"), y[: len(data.labels("test"))])


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x_test": np.zeros((4, 3)), "y_test": np.zeros(4, int)}, r"one shape. Received: \[2\] and \[3\]"),
        ({"x_test": np.zeros((4, 2)), "y_test": np.arange(4)}, "same classes. Received: only in one of them: 3"),
    ],
)
def test_second_files_that_do_not_fit(arrays: dict[str, Any], message: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x_train=np.zeros((60, 2)), y_train=np.arange(60) % 3)
    np.savez(tmp_path / "b.npz", **arrays)
    with pytest.raises(DataError, match=message):
        load_data(DataSpec(source=str(tmp_path / "a.npz"), test_source=str(tmp_path / "b.npz")))


def test_second_files_of_other_classes_or_none(tmp_path: Path) -> None:
    first = write(tmp_path / "a.tsv", rows())
    second = write(tmp_path / "b.tsv", rows().replace("odd", "uneven"))
    with pytest.raises(DataError, match="same classes. Received: only in one of them: odd, uneven"):
        load_data(DataSpec(source=first, test_source=second))
    np.savez(tmp_path / "t.npz", x_test=np.zeros((4, 2)), y_test=np.arange(4))
    with pytest.raises(DataError, match="source gives training samples and test_source test samples"):
        load_data(DataSpec(source=str(tmp_path / "t.npz"), test_source=first))
    with pytest.raises(ValueError, match="test_source must be another source than source"):
        DataSpec(source=first, test_source=first)


@pytest.mark.slow
def test_real_text(shared_data: Path) -> None:
    folder = shared_data / "text"
    sst2 = load_data(DataSpec(source=str(folder / "sst2_train.tsv"), test_source=str(folder / "sst2_dev.tsv")))
    assert sst2.label_names == ("0", "1") and len(sst2.raw("test")) > 800
    unknown = float(np.mean(sst2.features("test") == 1) / np.mean(sst2.features("test") > 0))
    assert 0.02 < unknown < 0.15 and sst2.features("test").max() < 8002
    assert load_data(str(folder / "sms_spam.tsv")).label_names == ("ham", "spam")
