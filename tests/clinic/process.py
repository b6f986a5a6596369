"""Runs the simulated clinic as the separate process it is, and speaks to its control door."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx2

ROOT = Path(__file__).parents[2]


class ClinicProcess:
    """One running clinic."""

    def __init__(self, *arguments: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "clinic", *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        ready = json.loads(self._process.stdout.readline())
        self.smtp_port: int = ready["smtp_port"]
        self.http_port: int = ready["http_port"]
        self.url = f"http://127.0.0.1:{self.http_port}"
        self._http = httpx2.Client(base_url=self.url, timeout=20)

    def stop(self, *, kill: bool = False) -> None:
        self._http.close()
        if kill:
            self._process.kill()
        else:
            self._process.terminate()
        self._process.wait(20)
        if self._process.stdout is not None:
            self._process.stdout.close()

    def reset(self) -> None:
        self._http.post("/reset").raise_for_status()

    def script(self, name: str, **change: Any) -> None:
        answer = self._http.post(f"/script/{name}", json=change)
        assert answer.status_code == 200, answer.text

    def get(self, path: str, **params: str) -> Any:
        return self._http.get(path, params=params).raise_for_status().json()

    def ledger(self, **wanted: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.get("/ledger", **wanted)
        return found

    def fhir(self, kind: str, **params: str) -> list[dict[str, Any]]:
        return [entry["resource"] for entry in self.get(f"/fhir/{kind}", **params).get("entry", [])]

    def post(self, path: str, **arguments: Any) -> httpx2.Response:
        return self._http.post(path, **arguments)

    def put(self, path: str, **arguments: Any) -> httpx2.Response:
        return self._http.put(path, **arguments)
