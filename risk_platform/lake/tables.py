"""The table registry: every lake table's columns, types, key, partitioning and meaning, said once."""

import pyarrow as pa

from risk_platform.errors import LakeError
from risk_platform.lake.table import DOUBLES, STRINGS, TIMESTAMP, Column, Table


def _optional(name: str, kind: pa.DataType, description: str) -> Column:
    return Column(name, kind, description, nullable=True)


PAYMENT_KEY = ("source", "transaction_id")
SOURCE = Column(
    "source", pa.string(), "Name of the feeding system; with transaction_id the key of a payment."
)
TRANSACTION_ID = Column("transaction_id", pa.string(), "Identifier of the payment within its source.")
EVENT_TIME = Column("event_time", TIMESTAMP, "When the payment happened, UTC, microseconds.")
EVENT_DATE = Column(
    "event_date", pa.date32(), "Business day of event_time in RISK_TIMEZONE, fixed at first write."
)
KNOWN_TIME = Column(
    "known_time", TIMESTAMP, "When the platform learned of it; history: event_time unless mapped."
)

PAYMENT_COLUMNS = (
    SOURCE,
    TRANSACTION_ID,
    _optional("sequence", pa.int64(), "Position in the inbox; null for history."),
    Column("partition", pa.int16(), "Engine partition of the customer, 0 to 255."),
    EVENT_TIME,
    EVENT_DATE,
    KNOWN_TIME,
    Column("kind", pa.string(), "purchase, transfer, cash, refund or reversal."),
    Column("status", pa.string(), "attempted, completed, declined or reversed."),
    Column("customer_id", pa.string(), "Payer."),
    _optional("instrument_id", pa.string(), "Card, VPA or account it was paid with."),
    _optional("counterparty_id", pa.string(), "Payee; persons, accounts and customers share one id space."),
    _optional("counterparty_type", pa.string(), "merchant, person or account."),
    Column("amount_minor", pa.int64(), "Amount in minor units of the currency (paise, cents)."),
    Column("currency", pa.string(), "ISO 4217 code."),
    Column("channel", pa.string(), "UPI, CARD, IMPS, NEFT, RTGS, NETBANKING, WALLET, ATM, AEPS or CASH."),
    _optional("mcc", pa.string(), "Merchant category: ISO 18245, or the source's own."),
    _optional("device_id", pa.string(), "Device it was made on."),
    _optional("ip_token", pa.string(), "Keyed hash of the network address."),
    _optional("latitude", pa.float64(), "Degrees north, WGS 84."),
    _optional("longitude", pa.float64(), "Degrees east, WGS 84."),
    _optional("city", pa.string(), "City of the payment."),
    _optional("country", pa.string(), "ISO 3166-1 alpha-2 country of the payment."),
)
ORIGIN_COLUMNS = (
    Column("file_id", pa.string(), "SHA-256 of the file it came in with."),
    Column("source_line", pa.int64(), "1-based record number in that file, the header not counted."),
)

RAW_TRANSACTIONS = Table(
    "raw_transactions",
    "Every payment that passed the door, one row each, never changed afterwards.",
    "fact",
    PAYMENT_COLUMNS + ORIGIN_COLUMNS,
    PAYMENT_KEY,
    "event_date",
)
TRANSACTIONS = Table(
    "transactions",
    "Accepted payments under today's contract: later rules flag, they never remove.",
    "derived",
    (*PAYMENT_COLUMNS, Column("broken_rules", STRINGS, "Rules of today that the accepted payment breaks.")),
    PAYMENT_KEY,
    "event_date",
)
QUARANTINE = Table(
    "quarantine",
    "Rows refused at the door: which rule, which value, which line of which file.",
    "fact",
    (
        Column("file_id", pa.string(), "SHA-256 of the file."),
        Column("file_name", pa.string(), "Name of the file as given."),
        Column("source_line", pa.int64(), "1-based record number in the file, the header not counted."),
        Column("source", pa.string(), "Source of the mapping."),
        Column("record_kind", pa.string(), "payments, judgements, outcomes or parties."),
        _optional("transaction_id", pa.string(), "Identifier of the row, where it has one."),
        Column("rule", pa.string(), "Name of the first row rule it breaks."),
        _optional("column", pa.string(), "Column the rule speaks of."),
        _optional("value", pa.string(), "The offending value, cut to 200 characters."),
        Column("quarantined_time", TIMESTAMP, "When it was refused."),
    ),
    ("file_id", "source_line"),
)
JUDGEMENTS = Table(
    "judgements",
    "What somebody found a payment to be, and when that was reported; the latest known one wins.",
    "fact",
    (
        Column("judgement_id", pa.string(), "Identifier of the judgement."),
        SOURCE,
        TRANSACTION_ID,
        Column("is_fraud", pa.bool_(), "True when the payment was found to be fraud."),
        KNOWN_TIME,
        Column("judged_by", pa.string(), "chargeback, analyst, customer or simulator."),
        _optional("confidence", pa.float64(), "0 to 1."),
    ),
    ("judgement_id",),
)
OUTCOMES = Table(
    "outcomes",
    "What happened to a payment after its decision.",
    "fact",
    (
        Column("outcome_id", pa.string(), "Identifier of the outcome."),
        SOURCE,
        TRANSACTION_ID,
        Column("outcome", pa.string(), "declined, completed, reversed or step_up_passed."),
        KNOWN_TIME,
    ),
    ("outcome_id",),
)
PARTIES = Table(
    "parties",
    "Versions of what is known of a party.",
    "fact",
    (
        Column("party_id", pa.string(), "Identifier, in the id space of customers and counterparties."),
        Column("kind", pa.string(), "person, merchant or account."),
        _optional("age_band", pa.string(), "Age band such as 60+."),
        _optional("opened_date", pa.date32(), "Day the relation began."),
        Column("valid_from", TIMESTAMP, "From when this version is true."),
        KNOWN_TIME,
    ),
    ("party_id", "valid_from"),
)
INGESTED_FILES = Table(
    "ingested_files",
    "Files taken in, so that the same one twice adds nothing.",
    "fact",
    (
        Column("file_id", pa.string(), "SHA-256 of the file's bytes with its mapping's."),
        Column("file_name", pa.string(), "Name of the file as given."),
        Column("mapping", pa.string(), "Name of the mapping."),
        Column("read", pa.int64(), "Rows read."),
        Column("accepted", pa.int64(), "Rows accepted."),
        Column("quarantined", pa.int64(), "Rows refused."),
        Column("duplicates", pa.int64(), "Rows already known with the same body."),
        Column("ingested_time", TIMESTAMP, "When it was taken in."),
    ),
    ("file_id",),
)
PAYMENT_FEATURES = Table(
    "payment_features",
    "One row per payment: every feature of the spec, as known just before it.",
    "derived",
    (SOURCE, TRANSACTION_ID, EVENT_TIME, EVENT_DATE, KNOWN_TIME),
    PAYMENT_KEY,
    "event_date",
    open_columns=True,
)
DECISIONS = Table(
    "decisions",
    "What was decided on a payment, with everything needed to recompute it.",
    "fact",
    (
        Column("decision_id", pa.string(), "Identifier of the decision."),
        SOURCE,
        TRANSACTION_ID,
        _optional("sequence", pa.int64(), "Inbox position of the payment; null for history."),
        EVENT_TIME,
        EVENT_DATE,
        Column("decided_time", TIMESTAMP, "When it was decided."),
        Column("decided_by", pa.string(), "engine or batch."),
        _optional("probability", pa.float64(), "Calibrated probability of fraud; null when degraded."),
        Column("score", pa.float64(), "Scorecard scale, 0 to 1."),
        _optional("margin", pa.float64(), "Raw log odds of the model; null when degraded."),
        Column("level", pa.string(), "LOW, MEDIUM, HIGH or CRITICAL."),
        Column("advice", pa.string(), "allow, step_up, hold or block."),
        Column("alerted", pa.bool_(), "True when the score reached the alert threshold."),
        _optional("degraded_reason", pa.string(), "Why the model could not be used."),
        _optional("bundle_hash", pa.string(), "SHA-256 of the bundle."),
        _optional("rules_hash", pa.string(), "SHA-256 of the rule set."),
        Column("thresholds_hash", pa.string(), "SHA-256 of the thresholds."),
        Column("features_version", pa.int64(), "Delta version of payment_features it was read from."),
        Column("feature_values", DOUBLES, "Feature values in bundle order."),
        _optional("rule_values", DOUBLES, "Values of features that rules alone look at, by name."),
        _optional(
            "attributions",
            DOUBLES,
            "Path-dependent TreeSHAP values in bundle order, then the base; unless LOW.",
        ),
        Column("reason_codes", STRINGS, "Reason codes, strongest first."),
        Column("rule_hits", STRINGS, "Rules that fired, those in shadow after shadow:."),
    ),
    PAYMENT_KEY,
    "event_date",
)
MICRO_BATCHES = Table(
    "micro_batches",
    "Each drain of the inbox into the lake: from where, up to where, and when.",
    "fact",
    (
        Column("store_id", pa.string(), "Which operational store: SHA-256 of its first audit leaf."),
        Column("last_sequence", pa.int64(), "Every event of the inbox up to this one is in the lake."),
        Column("first_sequence", pa.int64(), "First event behind the micro-batch before."),
        Column("drained_time", TIMESTAMP, "When it was drained."),
    ),
    ("store_id", "last_sequence"),
)
MODEL_VERSIONS = Table(
    "model_versions",
    "One row per trained model: what it saw, how it was judged, whether it was promoted.",
    "derived",
    (
        Column("model_version", pa.string(), "Version in the MLflow registry."),
        Column("run_id", pa.string(), "MLflow run."),
        Column("trained_time", TIMESTAMP, "When training ended."),
        Column("as_of", TIMESTAMP, "Only labels reported before this instant were used."),
        Column("train_from", pa.date32(), "First day of training payments."),
        Column("train_to", pa.date32(), "Last day of training payments."),
        Column("verdict", pa.string(), "promoted or refused."),
        Column("reason", pa.string(), "Why."),
        Column("bundle_hash", pa.string(), "SHA-256 of the bundle."),
        Column("features", STRINGS, "Chosen features in bundle order."),
    ),
    ("model_version",),
)
MODEL_METRICS = Table(
    "model_metrics",
    "Metrics of each model version on its test fold, with confidence interval and floor.",
    "derived",
    (
        Column("model_version", pa.string(), "Version in the MLflow registry."),
        Column("metric", pa.string(), "Name, as in the evaluation protocol."),
        Column("value", pa.float64(), "Value on the test fold."),
        _optional("low", pa.float64(), "Lower end of the 95 % bootstrap interval."),
        _optional("high", pa.float64(), "Upper end of the 95 % bootstrap interval."),
        _optional("floor", pa.float64(), "Best of the floors (constant, random, highest amount)."),
    ),
    ("model_version", "metric"),
)
FEATURE_IMPORTANCES = Table(
    "feature_importances",
    "Global SHAP summary of each model version.",
    "derived",
    (
        Column("model_version", pa.string(), "Version in the MLflow registry."),
        Column("feature", pa.string(), "Feature name."),
        Column("mean_abs_shap", pa.float64(), "Mean absolute attribution in log odds."),
        Column("rank", pa.int32(), "1 is the strongest."),
    ),
    ("model_version", "feature"),
)
GRAPH_NODES = Table(
    "graph_nodes",
    "Customers, counterparties, devices and instruments as nodes.",
    "derived",
    (
        Column("node_id", pa.string(), "label:identifier."),
        Column("label", pa.string(), "Customer, Counterparty, Device or Instrument."),
        Column("entity_id", pa.string(), "Identifier of the entity."),
        Column("payment_count", pa.int64(), "Payments it took part in."),
        Column("amount_minor_sum", pa.int64(), "Amount of those payments in minor units."),
        Column("fraud_count", pa.int64(), "Payments reported as fraud."),
        Column("first_seen", TIMESTAMP, "First payment."),
        Column("last_seen", TIMESTAMP, "Last payment."),
    ),
    ("node_id",),
)
GRAPH_EDGES = Table(
    "graph_edges",
    "Who paid whom, and what they used.",
    "derived",
    (
        Column("edge_id", pa.string(), "from, type and to."),
        Column("from_node_id", pa.string(), "Node it starts at."),
        Column("to_node_id", pa.string(), "Node it ends at."),
        Column("type", pa.string(), "PAID, USED_DEVICE or USED_INSTRUMENT."),
        Column("payment_count", pa.int64(), "Payments on the edge."),
        Column("amount_minor_sum", pa.int64(), "Amount of those payments in minor units."),
        Column("fraud_count", pa.int64(), "Payments reported as fraud."),
        Column("first_seen", TIMESTAMP, "First payment."),
        Column("last_seen", TIMESTAMP, "Last payment."),
    ),
    ("edge_id",),
)
DATA_QUALITY = Table(
    "data_quality",
    "Result of each expectation on each validated batch.",
    "derived",
    (
        EVENT_DATE,
        Column("expectation", pa.string(), "Name of the row rule or table rule."),
        Column("success", pa.bool_(), "True when it held."),
        Column("observed", pa.string(), "What was found, in words."),
        Column("row_count", pa.int64(), "Rows of the batch."),
        Column("unexpected_count", pa.int64(), "Rows that break it."),
    ),
    ("event_date", "expectation"),
    "event_date",
)

TABLES: tuple[Table, ...] = (
    RAW_TRANSACTIONS,
    TRANSACTIONS,
    QUARANTINE,
    JUDGEMENTS,
    OUTCOMES,
    PARTIES,
    INGESTED_FILES,
    PAYMENT_FEATURES,
    DECISIONS,
    MICRO_BATCHES,
    MODEL_VERSIONS,
    MODEL_METRICS,
    FEATURE_IMPORTANCES,
    GRAPH_NODES,
    GRAPH_EDGES,
    DATA_QUALITY,
)
_BY_NAME = {table.name: table for table in TABLES}


def table_named(name: str) -> Table:
    """The registered table called `name`; raises LakeError when there is none."""
    try:
        return _BY_NAME[name]
    except KeyError:
        raise LakeError(
            f"No lake table is called {name!r}; the registry has {', '.join(sorted(_BY_NAME))}."
        ) from None
