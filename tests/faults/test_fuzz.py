"""Readers of files, fuzzed: real files mutated, and whatever comes is read or refused by name.

Seconds of hypothesis here; `fuzzing.py` follows for minutes what of our code an input reaches.
"""

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixelrl.errors import PixelRLError
from pixelrl.studio.messages import parse_mask, parse_rules
from readers import READERS, check_reader


@st.composite
def mutated(draw: st.DrawFn, content: bytes) -> bytes:
    """Change some bytes, repeat or leave out a piece, or cut."""
    found = bytearray(content)
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(found)))
        end = min(len(found), start + draw(st.integers(0, 64)))
        found[start:end] = draw(
            st.one_of(st.binary(max_size=16), st.just(bytes(found[start:end] * 2)))
        )
    return bytes(found)


@pytest.mark.parametrize("name", READERS)
@given(data=st.data())
def test_a_mutated_file_is_read_or_refused_by_name(
    tmp_path_factory: pytest.TempPathFactory, name: str, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("fuzz", numbered=True) / name
    check_reader(path, data.draw(mutated(READERS[name][0])))


def chunk(kind: bytes, content: bytes) -> bytes:
    return (
        len(content).to_bytes(4, "big")
        + kind
        + content
        + zlib.crc32(kind + content).to_bytes(4, "big")
    )


def png(width: int, height: int, *more: bytes) -> bytes:
    head = width.to_bytes(4, "big") + height.to_bytes(4, "big") + b"\x08\0\0\0\0"
    pixels = chunk(b"IDAT", zlib.compress(bytes(1000)))
    return b"\x89PNG\r\n\x1a\n" + b"".join([chunk(b"IHDR", head), *more, pixels])


SENT = {
    "50000 pixels a side": png(50_000, 50_000),
    "8 pixels, none there": png(8, 8)[:60],
    "a text of 200 MB": png(8, 8, chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(200_000_000), 1))),
    "a profile of 200 MB": png(
        8, 8, chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(200_000_000), 1))
    ),
    "nothing": b"",
}


@pytest.mark.parametrize("kind", SENT)
def test_a_region_of_any_claim_is_refused_in_one_line(kind: str) -> None:
    import base64

    sent = base64.b64encode(SENT[kind]).decode()
    for parse, body in ((parse_rules, {"regions": [sent]}), (parse_mask, {"mask": sent})):
        with pytest.raises(PixelRLError, match="region"):
            parse(body, (8, 8))


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["rules", "regions", "mask", "kind", "edits", "steps", "bias", "region"]
                ),
                inner,
                max_size=8,
            )
        ),
        max_leaves=12,
    )
)
def test_whatever_a_page_sends_is_rules_or_refused(sent: object) -> None:
    for parse in (parse_rules, parse_mask):
        try:
            parse(sent, (8, 8))
        except PixelRLError as error:
            assert "\n" not in str(error)  # noqa: PT017


@given(
    kind=st.sampled_from(["forbid", "only", "prefer", "nonsense"]),
    edits=st.lists(st.text(max_size=4), max_size=2),
    bias=st.one_of(st.floats(), st.integers(), st.just(10**400), st.text(max_size=3)),
    steps=st.one_of(st.none(), st.text("0123456789-", max_size=30), st.just("9" * 5000)),
    region=st.one_of(st.none(), st.integers(), st.text(max_size=2)),
)
def test_any_rule_is_a_rule_or_refused(
    kind: str, edits: list[str], bias: object, steps: object, region: object
) -> None:
    rule = {"kind": kind, "edits": edits, "bias": bias, "steps": steps, "region": region}
    try:
        parse_rules({"rules": [rule]}, (8, 8))
    except PixelRLError as error:
        assert "\n" not in str(error)  # noqa: PT017
