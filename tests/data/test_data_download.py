"""Downloads from a server that misbehaves: each fault ends soon and is named."""

from __future__ import annotations

import gzip
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler

import pytest
from data_fakes import HASTY, PATIENT, Behaviour, Server, Tiny, body, status

from jaxtrain.data import DataError
from jaxtrain.data.fashion_mnist.download import (
    Limits,
    UnreachableError,
    fetch,
    from_mirror,
)

IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
CONTENT = bytes(range(256)) * 400
CAP = 200_000


def get(server: Server, limits: Limits = PATIENT) -> bytes:
    return fetch(f"{server.address}/x", CAP, limits, "x", lambda *told: None)


def test_a_good_answer_comes_with_its_progress(server: Server) -> None:
    server.answers["/x"] = body(CONTENT)
    told: list[tuple[str, int, int | None]] = []
    url = f"{server.address}/x"
    assert fetch(url, CAP, PATIENT, "x", lambda *now: told.append(now)) == CONTENT
    assert told[-1] == ("x", len(CONTENT), len(CONTENT))
    assert told == sorted(told)


def test_without_a_length_the_end_is_the_end(server: Server) -> None:
    def unannounced(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(CONTENT)

    server.answers["/x"] = unannounced
    assert get(server) == CONTENT


@pytest.mark.parametrize(
    ("code", "times", "message"),
    [
        (403, 1, "x: HTTP 403 Forbidden"),
        (404, 1, "x: HTTP 404 Not Found"),
        (429, 2, "x: HTTP 429 Too Many Requests, 2 times"),
        (503, 2, "x: HTTP 503 Service Unavailable, 2 times"),
    ],
)
def test_refusals_are_named_and_busy_servers_asked_again(
    server: Server, code: int, times: int, message: str
) -> None:
    server.answers["/x"] = status(code)
    with pytest.raises(DataError) as caught:
        get(server)
    assert str(caught.value) == message
    assert len(server.asked) == times


def test_a_server_that_recovers_is_forgiven(server: Server) -> None:
    answers = iter([status(503), body(CONTENT)])
    server.answers["/x"] = lambda handler: next(answers)(handler)
    assert get(server) == CONTENT


def redirect(to: str) -> Behaviour:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(302)
        handler.send_header("Location", to)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return answer


def test_a_redirect_is_followed(server: Server) -> None:
    server.answers |= {"/x": redirect("/y"), "/y": body(CONTENT)}
    assert get(server) == CONTENT


@pytest.mark.parametrize("to", ["/x", "file:///etc/hostname", "data:,x"])
def test_redirects_to_nowhere_are_named(server: Server, to: str) -> None:
    server.answers["/x"] = redirect(to)
    with pytest.raises(DataError, match="x: HTTP 302: redirects in a circle or"):
        get(server)
    assert len(server.asked) < 20


def test_a_redirect_to_ftp_is_not_followed(server: Server) -> None:
    server.answers["/x"] = redirect("ftp://127.0.0.1:1/x")
    with pytest.raises(UnreachableError, match="unknown url type: ftp"):
        get(server)


def test_too_long_a_content_length_is_named(server: Server) -> None:
    server.answers["/x"] = body(CONTENT, announced=len(CONTENT) + 1)
    with pytest.raises(DataError, match="cut off after 102,400 of 102,401 bytes, 2 ti"):
        get(server)


def test_too_short_a_content_length_is_a_truncated_file(
    server: Server, tiny: Tiny
) -> None:
    packed = gzip.compress(tiny.contents[LABELS])
    server.answers[f"/{LABELS}.gz"] = body(packed, announced=len(packed) - 9)
    with pytest.raises(DataError, match="is truncated: the compressed data ends"):
        mirror(server, tiny, LABELS)


@pytest.mark.parametrize("announced", [None, 1 << 40])
def test_more_than_can_be_right_is_not_read(
    server: Server, announced: int | None
) -> None:
    server.answers["/x"] = body(bytes(1 << 20), announced)
    with pytest.raises(DataError, match="bytes or more where at most 200,000 can be"):
        get(server)


def mirror(
    server: Server, tiny: Tiny, *names: str, limits: Limits = PATIENT
) -> dict[str, bytes]:
    files = [tiny.file(name) for name in names or tiny.contents]
    base = f"{server.address}/"
    found = from_mirror(tiny.manifest, base, files, limits, lambda *told: None)
    return {file.name: data for file, data in found}


def test_a_mirror_gives_all_files_the_smallest_first(
    server: Server, tiny: Tiny
) -> None:
    server.serve(tiny)
    assert mirror(server, tiny) == tiny.contents
    assert [path.split("-")[1] for path in server.asked] == ["labels"] * 2 + [
        "images"
    ] * 2


def test_files_that_the_server_unpacked_are_taken(server: Server, tiny: Tiny) -> None:
    for name, data in tiny.contents.items():
        server.answers[f"/{name}.gz"] = body(data)
    assert mirror(server, tiny) == tiny.contents


def test_a_web_page_in_place_of_the_file_is_named(server: Server, tiny: Tiny) -> None:
    server.answers[f"/{LABELS}.gz"] = body(b"<html>Please sign in</html>")
    with pytest.raises(DataError, match=f"{LABELS}.gz is a web page"):
        mirror(server, tiny, LABELS)


def test_the_faults_of_several_files_are_told_at_the_end(
    server: Server, tiny: Tiny
) -> None:
    server.serve(tiny, skip=(IMAGES, LABELS))
    files = [tiny.file(name) for name in tiny.contents]
    found = from_mirror(
        tiny.manifest, f"{server.address}/", files, PATIENT, lambda *told: None
    )
    assert len([next(found), next(found)]) == 2
    with pytest.raises(DataError, match=rf"{LABELS}.gz: HTTP 404 .* \(and 1 more\)"):
        next(found)


def hang(server: Server) -> Behaviour:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        server.over.wait(30)

    return answer


def dripping_head(server: Server) -> Behaviour:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
        while not server.over.wait(0.05):
            handler.wfile.write(b"X-A: b\r\n")

    return answer


def dripping_body(server: Server, start: int = 0, every: float = 1.0) -> Behaviour:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(CONTENT)))
        handler.end_headers()
        handler.wfile.write(CONTENT[:start])
        while not server.over.wait(every):
            handler.wfile.write(b"x")

    return answer


@pytest.mark.parametrize(
    "behaviour",
    [
        hang,
        dripping_head,
        dripping_body,
        lambda server: dripping_body(server, every=0.01),
        lambda server: dripping_body(server, start=50_000, every=0.01),
    ],
    ids=["nothing", "slow head", "1 byte/s", "100 bytes/s", "fast, then slow"],
)
def test_a_slow_server_is_given_up(
    server: Server, behaviour: Callable[[Server], Behaviour]
) -> None:
    server.answers["/x"] = behaviour(server)
    start = time.monotonic()
    # On a busy machine the wait for the first byte may end first.
    given_up = r"x: (\d+ bytes in 0.6 s, too slow|no answer: timed out)"
    with pytest.raises(UnreachableError, match=given_up):
        get(server, HASTY)
    assert 0.5 < time.monotonic() - start < 3
    assert len(server.asked) == 1, "no second try, no second wait"


def test_broken_twin_a_socket_timeout_alone_lets_one_byte_a_second_through(
    server: Server,
) -> None:
    import urllib.request

    server.answers["/x"] = dripping_body(server, every=0.1)
    start = time.monotonic()
    with urllib.request.urlopen(f"{server.address}/x", timeout=0.6) as response:
        while time.monotonic() - start < 1.5:
            assert response.read(1) == b"x"


def test_a_slow_mirror_is_not_asked_for_another_file(
    server: Server, tiny: Tiny
) -> None:
    for name in tiny.contents:
        server.answers[f"/{name}.gz"] = hang(server)
    with pytest.raises(UnreachableError):
        mirror(server, tiny, limits=HASTY)
    assert len(server.asked) == 1


def test_a_steady_slow_line_is_served(server: Server) -> None:
    """Slower than a window for the whole, yet above the least rate."""

    def steady(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        for start in range(0, len(CONTENT), 12_800):
            handler.wfile.write(CONTENT[start : start + 12_800])
            time.sleep(0.1)

    server.answers["/x"] = steady
    assert get(server, HASTY) == CONTENT


def test_a_closed_port_is_named(server: Server) -> None:
    with pytest.raises(UnreachableError, match=r"x: no connection: .*refused"):
        fetch("http://127.0.0.1:1/x", CAP, PATIENT, "x", lambda *told: None)


def test_a_name_that_does_not_exist_is_named(server: Server) -> None:
    with pytest.raises(UnreachableError, match=r"x: (no connection|0 bytes in)"):
        fetch("http://mirror.invalid/x", CAP, PATIENT, "x", lambda *told: None)


def test_a_lost_connection_is_tried_again(server: Server) -> None:
    answers = iter([lambda handler: handler.connection.close(), body(CONTENT)])
    server.answers["/x"] = lambda handler: next(answers)(handler)
    assert get(server) == CONTENT


def test_an_error_in_the_progress_callback_is_the_callers(server: Server) -> None:
    server.answers["/x"] = body(CONTENT)

    def broken(*told: object) -> None:
        raise BrokenPipeError("the terminal is gone")

    with pytest.raises(BrokenPipeError):
        fetch(f"{server.address}/x", CAP, PATIENT, "x", broken)
