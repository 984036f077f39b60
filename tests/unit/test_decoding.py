"""Whatever is decoded first may be decoded by any number of threads at once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from scanpool_schemas import decoding
from scanpool_schemas.scan import STRUCT_OF, Pending

GOLDEN = Path(__file__).parents[1] / "contract" / "golden" / "v1"
THREADS_AT_ONCE = """
import sys, threading
from pathlib import Path
from scanpool_schemas.scan import STRUCT_OF
from scanpool_schemas.wire import decode_scan

sys.setswitchinterval(1e-6)
bodies = {state: Path(sys.argv[1], f"{state}.json").read_bytes() for state in STRUCT_OF if state in sys.argv[2:]}
begin, decoded = threading.Barrier(8), []

def decode_all():
    begin.wait()
    decoded.extend([decode_scan(state, body) for state, body in bodies.items()])

threads = [threading.Thread(target=decode_all) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(len(decoded))
"""


@pytest.mark.parametrize("attempt", range(3))
def test_threads_that_decode_a_scan_for_the_first_time_do_not_end_the_process(attempt: int) -> None:
    """Eight of ten processes ended with a segmentation fault where msgspec was asked by all threads itself."""
    states = [state for state in STRUCT_OF if (GOLDEN / f"{state}.json").is_file()]
    assert len(states) > 5
    command = [sys.executable, "-c", THREADS_AT_ONCE, str(GOLDEN), *states]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{8 * len(states)}\n", "")


def test_what_is_not_strict_takes_numbers_as_text() -> None:
    assert decoding.decode(b'"7"', int, strict=False) == 7
    assert decoding.convert("7", int, strict=False) == 7
    with pytest.raises(msgspec.ValidationError):
        decoding.decode(b'"7"', int)
    with pytest.raises(msgspec.ValidationError):
        decoding.convert("7", int)


def test_a_document_is_whatever_it_is() -> None:
    assert decoding.document(b'{"a": [1, null]}') == {"a": [1, None]}
    with pytest.raises(msgspec.DecodeError):
        decoding.document(b"{")


def test_what_was_packed_is_unpacked_and_checked() -> None:
    assert decoding.unpack(msgspec.msgpack.encode([1, 2]), list[int]) == [1, 2]
    with pytest.raises(msgspec.ValidationError):
        decoding.unpack(msgspec.msgpack.encode([1]), Pending)
