"""One server of six runs against a server a run, and a load of good and bad requests, on loopback.

    python benchmarks/serving.py [--rounds 3] [--each 300] [--clients 24] [--threads 2] [--requests 600]

Runs are made on the spot around one mt-tiny: tokenizer and head as they are drawn, calibrated on the modality's demo
data, which are the requests as well. Memory is the proportional set size (PSS) of all processes of a deployment that
was asked, while the other is not up. Throughput: `--rounds` times one after the other, `--each` requests of the six
modalities in turn by `--clients` connections, each of which asks again when it has its answer; and the CPU time that
all processes of a deployment take of it, which tells how many requests a larger machine would answer. Then `--requests`
requests of all installed modalities, a fifth of them bad in ten ways, to one server.
"""

from __future__ import annotations

import argparse
import asyncio
import atexit
import itertools
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from machine import machine

from mt_core.data.reading import read_sample
from mt_core.encoder import Encoder, load_encoder
from mt_core.model import MetaTransformer, make_tokenizer
from mt_core.plugins import get
from mt_core.plugins.official import OFFICIAL
from mt_core.training.run import describe_model, save_weights
from mt_core.training.run_record import FORMAT, write_record

SIX = ("text", "image", "audio", "imu", "tabular", "timeseries")
SAMPLES = 8
BOUNDARY = "mt-serve-boundary"


def make_run(modality: str, folder: Path, encoder: Encoder) -> list[bytes]:
    """Write a run, and give requests for it."""
    plugin = get(modality)
    demo = plugin.dataset.demo("train", size=32, seed=0)
    tokenizer = make_tokenizer(plugin.tokenizer, encoder, plugin.dataset.demo_options, seed=0)
    tokenizer.calibrate([demo[at] for at in range(len(demo))])
    model = MetaTransformer(modality, tokenizer, encoder)
    model.attach_head(demo.task).calibrate(demo.targets())
    folder.mkdir(parents=True)
    save_weights(model, folder, 1)
    rest = {"recipe": {"tune": "frozen"}, "data": {"source": demo.source, "options": None}}
    write_record(folder, {**describe_model(model), **rest, "format": FORMAT, "status": "complete"})
    return [request(modality, model, demo[at].sample) for at in range(SAMPLES)]


def request(modality: str, model: MetaTransformer, sample: Any) -> bytes:
    """A file as a form, anything else as JSON."""
    if isinstance(sample, str | Path):
        return form(modality, Path(sample).name, Path(sample).read_bytes())
    if isinstance(sample, dict):
        return as_json(modality, dict(sample))
    text = model.tokenizer.as_text(sample)
    if text is not None:
        return as_json(modality, text)
    values = sample if isinstance(sample, np.ndarray) else getattr(sample, "values", None)
    if values is None:  # a pixel of a cube
        values = np.asarray(read_sample(model.tokenizer, sample).values).reshape(1, 1, -1)
    return as_json(modality, np.asarray(values).tolist())


def as_json(run: str, *samples: Any) -> bytes:
    return post(run, "application/json", json.dumps({"samples": samples}).encode())


def form(run: str, name: str, content: bytes, field: str = "file") -> bytes:
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{field}"; filename="{name}"\r\n\r\n'
    return post(
        run, f"multipart/form-data; boundary={BOUNDARY}", head.encode() + content + f"\r\n--{BOUNDARY}--\r\n".encode()
    )


def post(run: str, kind: str, body: bytes, path: str = "/predict") -> bytes:
    head = f"POST {path}?run={run} HTTP/1.1\r\nHost: mt\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def bad_requests(modality: str, good: bytes, random: np.random.Generator) -> Iterator[bytes]:
    """Ten kinds of them, in turn."""
    suffix = get(modality).manifest.suffixes[0]
    noise = random.bytes(2000)
    head, _, body = good.partition(b"\r\n\r\n")
    is_form = b"multipart" in head
    yield form(modality, f"noise{suffix}", noise)
    yield form(modality, f"empty{suffix}", b"")
    yield form(modality, f"half{suffix}", body[len(body) // 4 : len(body) // 2]) if is_form else as_json(modality, 3)
    yield form(modality, "../../etc/passwd", noise)
    yield form(modality, f"a{suffix}", noise, field="photo")
    yield post(modality, "application/json", b'{"samples": [')
    yield post(modality, "application/json", json.dumps({"samples": [{"path": "/etc/passwd"}]}).encode())
    yield post("nobody", "application/json", b'{"samples": ["a"]}')
    yield post(modality, "text/plain", noise)
    yield post(modality, f"multipart/form-data; boundary={BOUNDARY}", noise)


@dataclass
class Server:
    """A running `mt serve`."""

    process: subprocess.Popen[str]
    port: int

    @classmethod
    def start(cls, deployments: Sequence[Sequence[Path]], threads: int | None = None) -> list[Server]:
        """One server for each, all started at once."""
        environment = {**os.environ, **({"OMP_NUM_THREADS": str(threads)} if threads else {})}
        command = [sys.executable, "-m", "mt_core.cli", "serve", "--port", "0"]
        started = [
            subprocess.Popen([*command, *map(str, runs)], stderr=subprocess.PIPE, text=True, env=environment)
            for runs in deployments
        ]
        for process in started:
            atexit.register(process.kill)  # where the benchmark fails; one that has ended already stays so
        return [cls(process, cls.port_of(process)) for process in started]

    @staticmethod
    def port_of(process: subprocess.Popen[str]) -> int:
        assert process.stderr is not None
        said = ""
        for line in process.stderr:
            said += line
            if found := re.search(r"at http://127.0.0.1:(\d+)", line):
                return int(found[1])
        raise SystemExit(said)

    def processes(self) -> list[int]:
        children: dict[int, list[int]] = {}
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                after = stat.read_text().rpartition(")")[2].split()
            except OSError:
                continue
            children.setdefault(int(after[1]), []).append(int(stat.parent.name))
        found = [self.process.pid]
        for each in found:
            found += children.get(each, [])
        return found

    def mebibytes(self) -> float:
        """The proportional set size of all its processes."""
        total = 0
        for pid in self.processes():
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
            total += next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
        return total / 1024

    def cpu_seconds(self) -> float:
        """Of all its processes, until now."""
        total = 0
        for pid in self.processes():
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            total += int(fields[11]) + int(fields[12])
        return total / os.sysconf("SC_CLK_TCK")

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        if self.process.wait(60) != 0:
            raise SystemExit(f"a server ended with exit code {self.process.returncode}")


class Connection:
    """One client."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, raw: bytes) -> tuple[int, bytes]:
        """Status and body. A connection that the server closed meanwhile, because it was idle, is opened again."""
        was_open = self.streams is not None
        try:
            return await self._ask(raw)
        except (asyncio.IncompleteReadError, ConnectionError):
            if not was_open:
                raise
            self.streams = None
            return await self._ask(raw)

    async def _ask(self, raw: bytes) -> tuple[int, bytes]:
        if self.streams is None:
            self.streams = await asyncio.open_connection("127.0.0.1", self.port)
        reader, writer = self.streams
        writer.write(raw)
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        found = re.search(r"content-length: (\d+)", head)
        body = await reader.readexactly(int(found[1])) if found else b""
        if "connection: close" in head:
            writer.close()
            self.streams = None
        return int(head.split()[1]), body

    def close(self) -> None:
        if self.streams is not None:
            self.streams[1].close()


async def ask_all(asked: Sequence[tuple[int, bytes]], num_clients: int) -> tuple[float, list[tuple[int, bytes]]]:
    """Seconds, and status and body of each of (port, request)."""
    answers: list[tuple[int, bytes]] = [(0, b"")] * len(asked)
    turns = iter(range(len(asked)))

    async def client() -> None:
        connections: dict[int, Connection] = {}
        for at in turns:
            port, raw = asked[at]
            answers[at] = await connections.setdefault(port, Connection(port)).ask(raw)
        for connection in connections.values():
            connection.close()

    began = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(num_clients)))
    return time.perf_counter() - began, answers


def throughput(ports: dict[str, int], requests: dict[str, list[bytes]], count: int, clients: int) -> float:
    """Requests a second."""
    turns = itertools.islice(zip(itertools.cycle(SIX), itertools.count(), strict=False), count)
    asked = [(ports[name], requests[name][number // len(SIX) % SAMPLES]) for name, number in turns]
    seconds, answers = asyncio.run(ask_all(asked, clients))
    if bad := [answer for answer in answers if answer[0] != 200]:
        raise SystemExit(f"{len(bad)} requests failed: {bad[0]}")
    return count / seconds


def compare(
    folder: Path, requests: dict[str, list[bytes]], rounds: int, each: int, clients: int, threads: int | None
) -> None:
    runs = [folder / name for name in SIX]

    def ports_of(servers: list[Server]) -> dict[str, int]:
        return dict(zip(SIX, [server.port for server in servers] * (len(SIX) // len(servers)), strict=True))

    def measured(name: str, servers: list[Server]) -> float:
        memory = sum(server.mebibytes() for server in servers)
        print(
            f"{name}: {memory:,.0f} MiB in {sum(len(server.processes()) for server in servers)} processes", flush=True
        )
        return memory

    six = Server.start([[run] for run in runs], threads)
    throughput(ports_of(six), requests, 60, clients)
    memory_of_six = measured("six servers", six)
    up = {"one server of six runs": Server.start([runs], threads), "six servers": six}
    rates: dict[str, list[float]] = {name: [] for name in up}
    milliseconds: dict[str, list[float]] = {name: [] for name in up}
    throughput(ports_of(up["one server of six runs"]), requests, 60, clients)  # warm as the others
    for _ in range(rounds):
        for name, servers in up.items():
            before = sum(server.cpu_seconds() for server in servers)
            rates[name].append(throughput(ports_of(servers), requests, each, clients))
            milliseconds[name].append(1000 * (sum(server.cpu_seconds() for server in servers) - before) / each)
    for server in six:
        server.stop()
    memory_of_one = measured("one server of six runs", up["one server of six runs"])
    up["one server of six runs"][0].stop()
    for name, of in rates.items():
        cpu = statistics.median(milliseconds[name])
        print(
            f"{name}: {statistics.median(of):.1f} requests/s ({min(of):.1f} to {max(of):.1f}), {cpu:.1f} ms of CPU each"
        )
    ratios = sorted(one / other for one, other in zip(*rates.values(), strict=True))
    print(f"throughput: {statistics.median(ratios):.2f} x ({ratios[0]:.2f} to {ratios[-1]:.2f})")
    ratios = sorted(other / one for one, other in zip(*milliseconds.values(), strict=True))
    print(f"requests a second of CPU: {statistics.median(ratios):.2f} x ({ratios[0]:.2f} to {ratios[-1]:.2f})")
    print(f"memory: {memory_of_one / memory_of_six:.2f} of six servers")


def load(folder: Path, requests: dict[str, list[bytes]], count: int, clients: int) -> None:
    random = np.random.default_rng(0)
    bad = {name: itertools.cycle(list(bad_requests(name, of[0], random))) for name, of in requests.items()}
    (server,) = Server.start([[folder / name for name in requests]])
    names, statuses, memory = itertools.cycle(requests), Counter[int](), []
    done, began = 0, time.perf_counter()
    part = max(1, count // 10)
    while done < count:
        asked = []
        for number in range(min(part, count - done)):
            name = next(names)
            is_bad = random.random() < 0.2
            asked.append((server.port, next(bad[name]) if is_bad else requests[name][number % SAMPLES]))
        _, answers = asyncio.run(ask_all(asked, clients))
        for status, body in answers:
            statuses[status] += 1
            said = json.loads(body)
            if status >= 500 or (status != 200 and not said["error"]["problem"]) or b"Traceback" in body:
                raise SystemExit(f"{status}: {body.decode()}")
        done += len(asked)
        memory.append(server.mebibytes())
        print(f"{done:,} requests, {memory[-1]:,.0f} MiB", flush=True)
    seconds = time.perf_counter() - began
    server.stop()
    counted = ", ".join(f"{number:,} x {status}" for status, number in sorted(statuses.items()))
    print(f"{done:,} requests of {len(requests)} modalities in {seconds:.0f} s: {counted}")
    print(f"memory after the first tenth {memory[0]:,.0f} MiB, after the last {memory[-1]:,.0f} MiB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="0: no comparison")
    parser.add_argument("--each", type=int, default=300)
    parser.add_argument("--clients", type=int, default=24)
    parser.add_argument("--threads", type=int, help="of every server; default: as many as cores")
    parser.add_argument("--requests", type=int, default=600, help="0: no load")
    arguments = parser.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory(prefix="mt-serving-") as temporary:
        folder, encoder = Path(temporary), load_encoder(None)
        wanted = OFFICIAL if arguments.requests else SIX
        requests = {name: make_run(name, folder / name, encoder) for name in wanted}
        if arguments.rounds:
            compare(folder, requests, arguments.rounds, arguments.each, arguments.clients, arguments.threads)
        if arguments.requests:
            load(folder, requests, arguments.requests, arguments.clients)


if __name__ == "__main__":
    main()
