"""The jobs: take in files, make a day, train, or everything at once."""

import dagster as dg

INGEST = dg.AssetSelection.groups("ingest")
TRAINING = dg.AssetSelection.groups("training")
# Replays months of history for one day's proof: it has a run of its own, after the night's work.
PARITY = dg.AssetSelection.checks(
    *(
        dg.AssetCheckKey(dg.AssetKey("payment_features"), name)
        for name in ("engine_computes_the_same", "live_decisions_saw_the_same")
    )
)
EVERYTHING = dg.AssetSelection.all() - PARITY

ingest_job = dg.define_asset_job(
    "ingest_job", selection=INGEST, description="Takes the files of the landing folder into the lake."
)
daily_job = dg.define_asset_job(
    "daily_job",
    selection=EVERYTHING - INGEST - TRAINING,
    description="Validates, describes and decides the payments of one or more days, then charts the network.",
)
refresh_job = dg.define_asset_job(
    "refresh_job",
    selection=dg.AssetSelection.groups("contract", "features") - PARITY,
    description="Validates and describes the payments of the day that runs and of the one before.",
)
training_job = dg.define_asset_job(
    "training_job", selection=TRAINING, description="Trains a challenger and promotes it if it deserves it."
)
everything_job = dg.define_asset_job(
    "everything_job",
    selection=EVERYTHING,
    description="The whole graph in one run, from landed files to decisions: for a first fill and for the demo.",
)
parity_job = dg.define_asset_job(
    "parity_job", selection=PARITY, description="Proves that the live engine computes what the mart holds."
)
