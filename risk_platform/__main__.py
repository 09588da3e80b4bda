"""`python -m risk_platform` is `risk-platform`."""

from risk_platform.cli.main import run

run()
