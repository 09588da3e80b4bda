import json

from risk_platform.intake.process import feature_sources
from risk_platform.intake.rehearsal import rehearse
from risk_platform.settings import Settings
from risk_platform_tests.intake.conftest import StartEngine


def test_a_rehearsal_goes_all_the_way_to_a_leaf_and_leaves_nothing(
    start: StartEngine, installation: Settings
) -> None:
    with start() as running:
        before = running.store.tail()
        policy = running.engine.quietly(lambda core: core.policy).result(60)
        leaf = json.loads(rehearse(policy, feature_sources(installation).make().names, "Asia/Kolkata"))
        assert (leaf["kind"], leaf["events"], leaf["version"]) == ("payment", 100, 1)
        assert running.store.tail() == before
