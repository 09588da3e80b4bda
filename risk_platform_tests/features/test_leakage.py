"""Nothing that became known at or after a payment changes a feature of it."""

from random import Random

from risk_platform.features.spec import FeatureSpec
from risk_platform_tests.features.conftest import Build
from risk_platform_tests.features.events import Judgement, Payment, in_world, random_history


def test_deleting_everything_known_at_or_after_a_payment_changes_no_feature_of_it(
    spec: FeatureSpec, build: Build
) -> None:
    payments, judgements = random_history(seed=11, count=250)
    probes = Random(3).sample(payments, 25)
    together: tuple[list[Payment], list[Judgement]] = in_world("all", payments, judgements)
    for p in probes:
        earlier = [e for e in payments if e.known_time < p.known_time or e is p]
        reported = [j for j in judgements if j.known_time < p.known_time]
        world = in_world(p.transaction_id, earlier, reported)
        together = (together[0] + world[0], together[1] + world[1])
    mart = build(*together)
    for p in probes:
        full, cut = (mart[f"{world}/{p.transaction_id}"] for world in ("all", p.transaction_id))
        assert {name: cut[name] for name in spec.names} == {name: full[name] for name in spec.names}
