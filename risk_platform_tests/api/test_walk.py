"""A newcomer's walk, as the README has it: real engine, real server, real commands, a shell."""

import os
import subprocess
import sys
from pathlib import Path

from risk_platform.operations.accounts import Role
from risk_platform_tests.api.site import PASSWORD, Site, address
from risk_platform_tests.services import require_service

_ROOT = Path(__file__).resolve().parents[2]


def test_a_newcomer_sees_an_alert_works_it_and_proves_it(running: Site, tmp_path: Path) -> None:
    require_service("curl")
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "RISK_HOME": str(running.settings.home),
        "SERVICE": running.url,
        "EMAIL": address(Role.ADMIN),
        "PASSWORD": PASSWORD,
    }
    walk = subprocess.run(
        [_ROOT / "scripts" / "walk.sh"], env=environment, cwd=tmp_path, capture_output=True, text=True
    )
    told = walk.stdout.splitlines()
    assert walk.returncode == 0, walk.stdout + walk.stderr
    assert [line[0] for line in told if line[1:3] == ". "] == ["1", "2", "3", "4", "5", "6"]
    assert '"rule_hits":["mule_pass_through"]' in walk.stdout
    assert told.index("acknowledged") < told.index("resolved")
    assert "alert_resolved" in told[-1]
    page = running.client(Role.ANALYST).get("/api/v1/alerts", params={"state": "resolved"}).json()
    assert [item["is_fraud"] for item in page["items"] if item["source"] == "walk"] == [True]
