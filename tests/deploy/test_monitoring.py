"""Rules, alerts, dashboards and runbooks: whether they are well formed, and whether anything will ever answer them."""

from __future__ import annotations

import re
import shutil
import subprocess
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import REGISTRY

from cli.__main__ import COMMANDS
from cli.generated.dashboards import model
from cli.generated.metrics_doc import TEN
from parley.settings import Settings
from runner.plan import DEPLOYED
from services.gateway import metrics as gateway
from services.orchestrator.run import metrics as orchestrator
from testbed.monitoring import promql
from testbed.monitoring.dashboards import FOLDER, dashboards
from testbed.monitoring.metrics import ROOT, declared, known_series

needs_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None or shutil.which("amtool") is None,
    reason="needs Prometheus: apt-get install -y prometheus prometheus-alertmanager",
)
RUNBOOKS = ROOT / "docs" / "runbooks"
TESTS = sorted((FOLDER / "tests").glob("*.yml"))
RULES = [
    rule
    for path in sorted(FOLDER.glob("*.rules.yml"), key=lambda path: path.name != "recording.rules.yml")
    for group in yaml.safe_load(path.read_text("utf-8"))["groups"]
    for rule in group["rules"]
]
ALERTS = {rule["alert"]: rule for rule in RULES if "alert" in rule}
METRICS = declared()
SERIES = promql.series(known_series(METRICS), {rule["record"]: rule["expr"] for rule in RULES if "record" in rule})
BUCKETS = {metric.name: metric.buckets for metric in METRICS}
BOARDS = dashboards()


def ran(*command: str | Path) -> str:
    """What a tool says; it must find nothing wrong."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def wrong(query: str) -> list[str]:
    services = [
        f"there is no service {value}"
        for _, matchers in promql.asked(query).selectors
        for label, sign, value in matchers
        if label == "service" and sign in ("=", "=~") and not set(value.split("|")) <= set(DEPLOYED)
    ]
    return promql.problems(query, SERIES, BUCKETS) + services


def page(alert: str) -> str:
    return (RUNBOOKS / f"{alert}.md").read_text("utf-8")


@needs_promtool
def test_prometheus_and_alertmanager_take_their_files() -> None:
    ran("promtool", "check", "config", FOLDER / "prometheus.yml")
    ran("amtool", "check-config", FOLDER / "alertmanager.yml")


@needs_promtool
@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.stem)
def test_alerts_fire_when_they_should_and_not_otherwise(path: Path) -> None:
    ran("promtool", "test", "rules", path)


@needs_promtool
def test_every_query_of_a_dashboard_and_a_runbook_is_well_formed(tmp_path: Path) -> None:
    queries = [query.expr.replace("$__rate_interval", "5m") for _, query in asked_by_boards()]
    queries += [query for alert in ALERTS for query in in_page(alert)]
    rules = [{"record": f"query:{n}", "expr": query} for n, query in enumerate(queries)]
    (tmp_path / "queries.yml").write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}))
    assert f"{len(queries)} rules found" in ran("promtool", "check", "rules", tmp_path / "queries.yml")


def asked_by_boards() -> list[tuple[str, Any]]:
    return [
        (f"{board.name}: {panel.title}", query) for board in BOARDS for panel in board.panels for query in panel.ask
    ]


def in_page(alert: str) -> list[str]:
    return re.findall(r"```promql\n(.*?)\n```", page(alert), re.DOTALL)


def test_rules_and_alerts_ask_for_metrics_that_there_are() -> None:
    found = {rule.get("record") or rule.get("alert"): wrong(rule["expr"]) for rule in RULES}
    assert not {name: told for name, told in found.items() if told}


def test_dashboards_and_runbooks_ask_for_metrics_that_there_are() -> None:
    found = [(where, told) for where, query in asked_by_boards() if (told := wrong(query.expr))]
    found += [(alert, told) for alert in ALERTS for query in in_page(alert) if (told := wrong(query))]
    assert not found


def test_dashboards_have_the_ten_and_no_rule_is_recorded_for_nobody() -> None:
    queries = [query.expr for _, query in asked_by_boards()] + [rule["expr"] for rule in ALERTS.values()]
    by_people = {name for query in queries for name, _ in promql.asked(query).selectors}
    bare = {name.removesuffix("_bucket").removesuffix("_sum").removesuffix("_count") for name in by_people}
    assert set(TEN) <= bare
    text = (FOLDER / "recording.rules.yml").read_text("utf-8")
    own = set(re.findall(r"record: (\S+)", text))
    in_pages = {name for alert in ALERTS for query in in_page(alert) for name, _ in promql.asked(query).selectors}
    assert own <= by_people | in_pages


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("rate(voice_turns_lost_total[5m])", "there is no voice_turns_lost_total"),
        ('sum(voice_load{replica="a"})', "voice_load has no label replica"),
        ('voice_turn_latency_ms_bucket{le="2000"}', "voice_turn_latency_ms_bucket has no bucket le=2000"),
        ("sum by (engine) (voice_load)", "no series here has a label engine"),
        ('voice_turn_latency_ms{service="gateway"}', "there is no voice_turn_latency_ms"),
        ('up{service="billing"}', "there is no service billing"),
        ('voice:load:ratio{instance="a"}', "voice:load:ratio has no label instance"),
    ],
)
def test_a_query_that_nobody_will_answer_is_found(query: str, told: str) -> None:
    assert told in wrong(query)


def test_what_the_code_declares_is_what_a_process_shows() -> None:
    assert gateway.TURNS is not None
    assert orchestrator.LOST is not None
    shown = {sample.name for family in REGISTRY.collect() for sample in family.samples}
    known = {name for metric in METRICS for name, _ in metric.series()}
    strange = {name for name in shown if name.startswith("voice_") and not name.endswith("_created")} - known
    assert not strange, "declared otherwise than testbed/monitoring/metrics.py reads"
    assert {
        name for metric in METRICS for name, _ in metric.series() if metric.file.endswith("gateway/metrics.py")
    } & shown


def test_no_time_is_taken_in_seconds_for_what_counts_milliseconds() -> None:
    """`Histogram.time()` takes seconds."""
    in_ms = re.compile(r"^(\w+) = Histogram\(\s*\"voice_\w+_ms\"", re.MULTILINE)
    for path in [*(ROOT / "parley").rglob("*.py"), *(ROOT / "services").rglob("*.py")]:
        text = path.read_text("utf-8")
        for name in in_ms.findall(text):
            assert not re.search(rf"\b{name}(\.labels\([^\n]*\))?\.time\(", text), f"{path.name}: {name}"


@pytest.mark.parametrize("alert", ALERTS)
def test_each_alert_has_a_page_and_a_test(alert: str) -> None:
    rule = ALERTS[alert]
    assert rule["labels"]["severity"] in ("page", "ticket")
    assert rule["annotations"]["runbook_url"].endswith(f"/docs/runbooks/{alert}.md")
    text = page(alert)
    assert text.startswith(f"# {alert}\n")
    assert "## Look here\n" in text
    assert "## Do this\n" in text
    assert in_page(alert), "it has a query to begin with"
    tried = [
        bool(check["exp_alerts"])
        for path in TESTS
        for each in yaml.safe_load(path.read_text("utf-8"))["tests"]
        for check in each["alert_rule_test"]
        if check["alertname"] == alert
    ]
    assert set(tried) == {True, False}, "a test in which it fires, and one in which it does not"


def test_pages_are_of_alerts_and_all_are_listed() -> None:
    assert {path.stem for path in RUNBOOKS.glob("*.md")} == {*ALERTS, "README"}
    assert re.findall(r"^\| \[(\w+)\]\(\1\.md\)", page("README"), re.MULTILINE) == list(ALERTS)


def test_what_pages_name_is_there() -> None:
    settings = {str(field.alias) for field in Settings.model_fields.values()}
    known = {name for metric in METRICS for name in (metric.name, *(name for name, _ in metric.series()))}
    for path in RUNBOOKS.glob("*.md"):
        text = path.read_text("utf-8")
        for link in re.findall(r"\]\(([^)#:]+)\)", text):
            assert (RUNBOOKS / link).resolve().exists(), f"{path.name}: {link}"
        for command in re.findall(r"`(?:\.venv/bin/)?parley (\w+)", text):
            assert command in COMMANDS, f"{path.name}: parley {command}"
        for name in re.findall(r"`(PARLEY_[A-Z_]+)", text):
            assert name in settings | {"PARLEY_VERSION"}, f"{path.name}: {name}"
        for name in re.findall(r"\bvoice_\w+", text):
            assert name in known, f"{path.name}: {name}"
        commands = " ".join(re.findall(r"`([^`\n]+)`", text))
        for service in re.findall(
            r"(?:deployment/|logs --tail \d+ |--scale |kill -s USR1 |restart )([a-z-]+)", commands
        ):
            assert service in (*DEPLOYED, "nats", "postgres", "cert-manager"), f"{path.name}: {service}"


def test_dashboards_are_grafanas() -> None:
    """There is none here: that panels do not overlap, that each has a source, a title and a query."""
    assert {board.name for board in BOARDS} == {"waiting", "vendors", "cost", "deploy"}
    for made in map(model, BOARDS):
        taken = list(chain.from_iterable(_cells(panel["gridPos"]) for panel in made["panels"]))
        assert len(taken) == len(set(taken)), made["title"]
        assert max(x for x, _ in taken) < 24
        assert len({panel["title"] for panel in made["panels"]}) == len(made["panels"])
        assert all(query["datasource"]["uid"] == "prometheus" for panel in made["panels"] for query in panel["targets"])
    source = yaml.safe_load((FOLDER / "grafana/provisioning/datasources/prometheus.yaml").read_text("utf-8"))
    assert source["datasources"][0]["uid"] == "prometheus"


def _cells(at: dict[str, int]) -> list[tuple[int, int]]:
    return [(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])]


def test_every_service_is_scraped_under_its_name() -> None:
    jobs = {
        job["job_name"]: job for job in yaml.safe_load((FOLDER / "prometheus.yml").read_text("utf-8"))["scrape_configs"]
    }
    names = jobs["parley"]["dns_sd_configs"][0]["names"]
    assert sorted(names) == sorted(DEPLOYED)
    assert {"source_labels": ["__meta_dns_name"], "target_label": "service"} in jobs["parley"]["relabel_configs"]
    pods = yaml.safe_load((ROOT / "k8s/components/monitoring/pods.yaml").read_text("utf-8"))["spec"]
    assert pods["jobLabel"] == "app.kubernetes.io/part-of", "which is `parley`: the job that rules ask for"
    targets = {each.get("targetLabel") for each in pods["podMetricsEndpoints"][0]["relabelings"]}
    assert "service" in targets
