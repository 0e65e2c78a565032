"""A real Prometheus and a real Alertmanager on loopback, with a past and with something to read."""

import json
import time
import urllib.request
from pathlib import Path

from portal.runner.process import Command, launch
from tests.debian import debian_programs
from tests.factories import COMMIT
from tests.remote import Remote, Says
from tests.server import PATIENCE, eventually, free_port

HOUR = 3600
METRICS = f"""\
shop_load{{environment="production"}} 4.5
shop_load{{environment="staging"}} 0.5
shop_nothing{{environment="production"}} NaN
shop_builds{{commit="{COMMIT}"}} 3
shop_trouble 1
"""
CONFIGURATION = """\
global: {{scrape_interval: 200ms, evaluation_interval: 200ms}}
rule_files: [rules.yml]
alerting:
  alertmanagers: [{{static_configs: [{{targets: ["{alertmanager}"]}}]}}]
scrape_configs:
  - job_name: shop
    static_configs: [{{targets: ["{exporter}"]}}]
"""
RULES = """\
groups:
  - name: shop
    rules:
      - alert: Trouble
        expr: shop_trouble == 1
        labels: {severity: critical, environment: testing}
"""
ROUTES = """\
route: {receiver: nobody}
receivers: [{name: nobody}]
inhibit_rules:
  - source_matchers: [alertname = "DatacentreDown"]
    target_matchers: [severity = "warning"]
    equal: [team]
"""


class Server:
    """One program, started by `stack`; it never outlives the tests."""

    def __init__(self, stack, folder, program, *arguments, directory=None):
        self.host = f"127.0.0.1:{free_port()}"
        self.url = f"http://{self.host}"
        self._log = folder / "log"
        switches = [f"--web.listen-address={self.host}", *arguments]
        command = Command([program, *switches], {}, directory or folder, grace=3.0)
        with self._log.open("wb") as log:
            self._running = launch(command, log)
        stack.callback(self._running.stop, PATIENCE)
        eventually(self._ready, f"{program} answers")

    def _ready(self):
        assert self._running.process.poll() is None, self._log.read_text()
        try:
            return self.call("/-/ready") is not None
        except OSError:
            return False

    def call(self, path, body=None):
        """GET, or POST of JSON; the body of the answer."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(self.url + path, data, headers)
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.read()


class Monitoring:
    """Both, and what Prometheus scrapes: `exporter`, whose text is `METRICS`.

    `begun`: the time of the newest point of the past that `past_rate` has: 0.01 until an hour
    before, then 0.05, every 30 s over three hours; `past_late` ends a minute before that.
    """

    def __init__(self, stack, folder):
        program, promtool = debian_programs("prometheus", "prometheus", "promtool")
        (keeper,) = debian_programs("prometheus-alertmanager", "prometheus-alertmanager")
        self.begun = int(time.time())
        self.exporter = Remote()
        stack.callback(self.exporter.close)
        self.exporter.paths["/metrics"] = Says(METRICS.encode())
        self.alertmanager = _alertmanager(stack, _made(folder / "alertmanager"), Path(keeper))
        self.prometheus = self._prometheus(stack, _made(folder / "prometheus"), program, promtool)
        eventually(self._scraped, "Prometheus scraped the exporter")

    def _prometheus(self, stack, folder, program, promtool):
        places = {"alertmanager": self.alertmanager.host, "exporter": self.exporter.host}
        (folder / "prometheus.yml").write_text(CONFIGURATION.format(**places))
        (folder / "rules.yml").write_text(RULES)
        (folder / "past.txt").write_text(self._past())
        blocks = [promtool, "tsdb", "create-blocks-from", "openmetrics", "past.txt", "data"]
        with (folder / "past.log").open("wb") as log:
            assert launch(Command(blocks, {}, folder), log).wait(PATIENCE) == 0
        return Server(
            stack,
            folder,
            program,
            "--config.file=prometheus.yml",
            "--storage.tsdb.path=data",
            "--query.lookback-delta=1h",  # the past stays readable, however long the tests take
        )

    def _past(self):
        times = range(self.begun - 3 * HOUR, self.begun + 1, 30)
        rates = {at: 0.01 if at < self.begun - HOUR else 0.05 for at in times}
        early = [f'past_rate{{environment="production"}} {rates[at]} {at}' for at in times]
        late = [f"past_late 7 {at}" for at in times if at <= self.begun - 60]
        return "\n".join(["# TYPE past_rate gauge", *early, "# TYPE past_late gauge", *late,
                          "# EOF", ""])  # fmt: skip

    def said(self, query):
        """What Prometheus answers to an instant query, as text."""
        return self.prometheus.call(f"/api/v1/query?query={query}").decode()

    def _scraped(self):
        return self.said("shop_load").count('"value"') == 2


def _alertmanager(stack, folder, program):
    """Its templates are at a fixed place, where they are not: a copy looks where it is started."""
    fixed = b"/usr/share/prometheus/alertmanager"
    copy = folder / program.name
    copy.write_bytes(program.read_bytes().replace(fixed, b"/proc/self/cwd".ljust(len(fixed), b"/")))
    copy.chmod(0o755)
    (folder / "routes.yml").write_text(ROUTES)
    return Server(
        stack,
        folder,
        str(copy),
        f"--config.file={folder}/routes.yml",
        f"--storage.path={folder}/data",
        "--cluster.listen-address=",
        directory=program.parents[1] / "share" / "prometheus" / "alertmanager",
    )


def _made(folder: Path):
    folder.mkdir()
    return folder
