"""Servers on this machine alone, for as long as tests need them: an S3 server, and a web server that may break off."""

import http.server
import threading
import warnings
from pathlib import Path
from types import SimpleNamespace

import pytest


@pytest.fixture(scope="session")
def s3_server():
    """The address of a server that speaks S3."""
    pytest.importorskip("s3fs")
    server_module = pytest.importorskip("moto.server")
    with warnings.catch_warnings(action="ignore"):
        server = server_module.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3(s3_server, monkeypatch):
    """A file system with an empty bucket, `pictures`; its address and its keys stand in the environment."""
    import fsspec

    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_server)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key-of-the-test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret-of-the-test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    files = fsspec.filesystem("s3")
    files.invalidate_cache()
    if files.exists("pictures"):
        files.rm("pictures", recursive=True)
    files.mkdir("pictures")
    return files


@pytest.fixture
def web(tmp_path):
    """A web server of the folder `folder`, at `url`. `breaking` says how often each file breaks off in its middle, and
    `asked` what was asked for; files that are called secret are refused."""
    folder = tmp_path / "web"
    folder.mkdir()
    served = SimpleNamespace(folder=folder, breaking={}, asked=[])

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments):
            super().__init__(*arguments, directory=str(folder))

        def log_message(self, *_):
            pass

        def do_GET(self):
            name = Path(self.path.partition("?")[0]).name
            served.asked.append(name)
            if name.startswith("secret"):
                self.send_error(403)
            elif served.breaking.get(name):
                served.breaking[name] -= 1
                content = (folder / name).read_bytes()
                self.send_response(200)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content[: len(content) // 2])
                self.close_connection = True
            else:
                super().do_GET()

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    served.url = f"http://127.0.0.1:{server.server_address[1]}"
    yield served
    server.shutdown()
    thread.join()
    server.server_close()
