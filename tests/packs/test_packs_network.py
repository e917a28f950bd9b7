"""Packs over a network, one that is there and one that is not."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from cli_runner import succeed
from pdsc_builder import PACK, pdsc_text, stm32f407, write_pack, write_pdsc

from edgetune.errors import ToolchainError
from edgetune.packs import PackName, find_part, install_file, install_pack, update_index
from edgetune.packs.child import download


def test_without_a_network_an_update_says_so(store, no_network):
    with pytest.raises(ToolchainError) as caught:
        update_index(store, seconds=120)
    assert "no network" in caught.value.cause and "empty" in caught.value.cause
    assert "FILE.pack" in caught.value.next_step and "--pdsc" in caught.value.next_step


@pytest.mark.thorough
def test_without_a_network_what_is_there_stays(tmp_path, store, no_network):
    install_file(store, write_pdsc(tmp_path, stm32f407()))
    with pytest.raises(ToolchainError) as caught:
        update_index(store, seconds=120)
    assert "stays usable" in caught.value.cause
    assert find_part(store.index(), "STM32F407VG").name == "STM32F407VGTx"
    with pytest.raises(ToolchainError) as caught:
        install_pack(store, PACK, seconds=120)
    assert "could not be downloaded" in caught.value.message


INDEX = "http://www.keil.com/pack/index.pidx"
SERVER = "http://example.invalid/Madeup.Parts_DFP"
LISTED = (
    "<index><vendor>Keil</vendor><url>http://www.keil.com/pack/</url><pindex>"
    '<pdsc url="http://example.invalid/" vendor="Madeup" name="Parts_DFP" version="1.2.3"/>'
    "</pindex></index>"
).encode()


@pytest.fixture
def network(tmp_path, monkeypatch):
    """A proxy that is all the network there is: address -> what lies there, None for silence."""
    pages = {INDEX: LISTED, f"{SERVER}.pdsc": pdsc_text(stm32f407()).encode()}
    ended = threading.Event()

    class Proxy(BaseHTTPRequestHandler):
        def do_GET(self):
            content = pages.get(self.path, b"")
            if content is None:
                ended.wait(60)
                return
            self.send_response(200 if content else 404)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{server.server_port}")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    yield pages
    ended.set()
    server.shutdown()
    server.server_close()


@pytest.mark.thorough
def test_with_a_network_parts_and_packs_come(tmp_path, store, network):
    made = write_pack(tmp_path / "made.pack", {"f": b"abc"}, devices=(stm32f407(),))
    network[f"{SERVER}.1.2.3.pack"] = made.read_bytes()
    assert succeed("packs", "update")["parts"] == 1
    part = find_part(store.index(), "STM32F407VG")
    assert part.clock_hz == 168_000_000 and str(part.pack) == PACK
    assert succeed("packs", "install", "madeup.parts_dfp")["installed"]
    assert (store.unpacked(PACK) / "f").read_bytes() == b"abc"
    assert update_index(store, seconds=60) == 1  # nothing new is no failure


@pytest.mark.thorough
def test_installing_updates_an_empty_index_first(tmp_path, store, network):
    made = write_pack(tmp_path / "made.pack", {"f": b"abc"}, devices=(stm32f407(),))
    network[f"{SERVER}.1.2.3.pack"] = made.read_bytes()
    assert install_pack(store, "Madeup::Parts_DFP", seconds=60) == PackName.parse(PACK)


@pytest.mark.thorough
@pytest.mark.parametrize("answer", [b"<html>Log in to the network</html>", b""])
def test_what_is_no_pack_is_not_kept(store, network, answer):
    network[f"{SERVER}.1.2.3.pack"] = answer
    with pytest.raises(ToolchainError) as caught:
        install_pack(store, "Madeup::Parts_DFP", seconds=60)
    assert "could not be downloaded" in caught.value.message
    assert not store.installed() and not store.pack_file(PackName.parse(PACK)).exists()


@pytest.mark.thorough
def test_a_server_that_says_nothing_is_given_up(store, network):
    network[INDEX] = None
    with pytest.raises(ToolchainError) as caught:
        download(store.folder, seconds=2)
    assert "--timeout" in caught.value.next_step


def test_a_download_that_breaks_says_why(store):
    with pytest.raises(ToolchainError) as caught:
        download(store.folder, "only", "two", seconds=60)
    assert "TypeError" in caught.value.cause


def test_an_empty_index_is_no_unknown_part(store):
    with pytest.raises(ToolchainError) as caught:
        find_part(store.index(), "STM32F407VG")
    assert "empty" in caught.value.cause


def test_another_pack_than_was_asked_for_is_not_kept(store, tmp_path, network):
    """The makers' index has no checksums, so the pack itself has to say what it is."""
    other = write_pack(tmp_path / "other.pack", {}, "Madeup::Parts_DFP@1.2.4", (stm32f407(),))
    network[f"{SERVER}.1.2.3.pack"] = other.read_bytes()
    update_index(store, seconds=60)
    with pytest.raises(ToolchainError) as caught:
        install_pack(store, "Madeup::Parts_DFP", seconds=60)
    assert "sent Madeup::Parts_DFP@1.2.4" in caught.value.cause
    assert not store.installed()
