"""The application as Ray Serve starts it; where Ray Serve is installed."""

import socket

import httpx
import pytest

pytestmark = pytest.mark.slow


@pytest.mark.filterwarnings("ignore")
def test_ray_serve_starts_copies_of_the_application(run_folders):
    ray = pytest.importorskip("ray", exc_type=ImportError)
    serve = pytest.importorskip("ray.serve", exc_type=ImportError)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    folders = [str(run_folders["words"]), str(run_folders["people"])]

    def build():
        from mt_serve.app import create_app

        return create_app(folders)

    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    try:
        serve.start(http_options={"host": "127.0.0.1", "port": port})
        serve.run(serve.deployment(serve.ingress(build)()).bind())
        answer = httpx.post(f"http://127.0.0.1:{port}/predict?run=words", json={"samples": ["a fine day"]}, timeout=120)
        assert answer.status_code == 200 and len(answer.json()["predictions"]) == 1
        refused = httpx.post(f"http://127.0.0.1:{port}/predict?run=word", json={"samples": ["a"]}, timeout=120)
        assert refused.status_code == 404 and "did you mean words" in refused.text
    finally:
        serve.shutdown()
        ray.shutdown()
