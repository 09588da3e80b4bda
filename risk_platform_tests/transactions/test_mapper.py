"""Files as strangers publish them, read under mappings that a stranger would write."""

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest

from risk_platform.errors import InputError
from risk_platform.transactions.mapper import Mapped, Mapper
from risk_platform.transactions.mapping import SourceMapping, parse_mapping
from risk_platform.transactions.marked_yaml import parse_yaml
from risk_platform.transactions.source_file import open_source

SPARKOV = """source: sparkov
columns:
  transaction_id: {row_number: true}
  event_time: {column: trans_date_trans_time, timezone: America/New_York}
  customer_id: cc_num
  counterparty_id: merchant
  amount: amt
  mcc: category
  latitude: lat
  longitude: long
  city: city
  is_fraud: is_fraud
constants: {channel: CARD, currency: USD, counterparty_type: merchant}
label_delay: 7d
"""
SPARKOV_FILE = """,trans_date_trans_time,cc_num,merchant,category,amt,lat,long,city,is_fraud
0,2019-01-01 00:00:18,2703186189652095,"fraud_Rippin, Kub and Mann",misc_net,4.97,36.0788,-81.1781,Moravian Falls,0
1,2019-07-01 00:00:44,630423337322,fraud_Heller,grocery_pos,107.23,48.8878,-118.2105,Orient,1
"""
PAYSIM = """source: paysim
columns:
  transaction_id: {row_number: true}
  event_time: {column: step, unit: h, origin: 2017-01-01}
  kind:
    column: type
    values: {PAYMENT: purchase, TRANSFER: transfer, CASH_OUT: cash, CASH_IN: cash, DEBIT: purchase}
  channel: {column: type, values: {CASH_OUT: CASH, CASH_IN: CASH}, default: WALLET}
  customer_id: nameOrig
  counterparty_id: nameDest
  amount: amount
  is_fraud: isFraud
constants: {currency: USD}
label_delay: 1d
"""
PAYSIM_FILE = """step,type,amount,nameOrig,oldbalanceOrg,newbalanceOrig,nameDest,oldbalanceDest,newbalanceDest,isFraud
1,PAYMENT,9839.64,C1231006815,170136.0,160296.36,M1979787155,0.0,0.0,0
743,CASH_OUT,181.0,C840083671,181.0,0.0,C38997010,21182.0,0.0,1
"""
TABFORMER = """source: tabformer
columns:
  transaction_id: {row_number: true}
  event_time:
    template: "{Year}-{Month}-{Day} {Time}"
    format: "%Y-%m-%d %H:%M"
    timezone: America/New_York
  customer_id: User
  instrument_id: {template: "{User}-{Card}"}
  counterparty_id: Merchant Name
  amount: {column: Amount, strip: $, thousands: ",", negative: refund}
  mcc: MCC
  city: Merchant City
  is_fraud: Is Fraud?
constants: {channel: CARD, currency: USD}
"""
TABFORMER_FILE = """User,Card,Year,Month,Day,Time,Amount,Use Chip,Merchant Name,Merchant City,MCC,Errors?,Is Fraud?
0,0,2002,9,1,06:21,"$1,134.09",Swipe Transaction,3527213246127876953,La Verne,5300,,No
0,1,2002,9,1,06:42,$-38.48,Swipe Transaction,-727612092139916043,,5411,,Yes
"""
BANKSIM = """source: banksim
quote: "'"
columns:
  transaction_id: {row_number: true}
  event_time: {column: step, unit: d, origin: 2012-11-01}
  customer_id: customer
  counterparty_id: merchant
  amount: amount
  mcc: category
  is_fraud: fraud
constants: {channel: CARD, currency: EUR}
"""
BANKSIM_FILE = """step,customer,age,gender,zipcodeOri,merchant,zipMerchant,category,amount,fraud
0,'C1093826151','4','M','28007','M348934600','28007','es_transportation',4.55,0
179,'C352968107','2','M','28007','M348934600','28007','es_travel',39.68,1
"""


def mapping_of(text: str) -> SourceMapping:
    return parse_mapping(parse_yaml(text, "mapping.yaml"))


def mapped(tmp_path: Path, mapping: str, content: str | pl.DataFrame) -> Mapped:
    """The first batch of a file with that content."""
    path = tmp_path / "some.file"
    if isinstance(content, str):
        path.write_text(content, "utf-8")
    else:
        pq.write_table(content.to_arrow(compat_level=pl.CompatLevel.oldest()), path)
    with closing(open_source(path, mapping_of(mapping))) as source:
        mapper = Mapper(mapping_of(mapping), source.columns, source.name)
        return mapper.map(next(iter(source.batches(mapper.source_columns))).frame)


def test_sparkov_style(tmp_path: Path) -> None:
    read = mapped(tmp_path, SPARKOV, SPARKOV_FILE)
    assert read.breaks == ()
    assert read.frame["transaction_id"].to_list() == ["some.file#1", "some.file#2"]
    assert read.frame["event_time"].to_list() == [
        datetime(2019, 1, 1, 5, 0, 18, tzinfo=UTC),
        datetime(2019, 7, 1, 4, 0, 44, tzinfo=UTC),
    ]
    assert read.frame["customer_id"].to_list() == ["2703186189652095", "630423337322"]
    assert read.frame["counterparty_id"].to_list() == ["fraud_Rippin, Kub and Mann", "fraud_Heller"]
    assert read.frame["amount_minor"].to_list() == [497, 10723]
    assert read.frame["longitude"].to_list() == [-81.1781, -118.2105]
    assert read.frame["is_fraud"].to_list() == [False, True]
    assert read.frame["currency"].to_list() == ["USD", "USD"]


def test_the_same_records_as_parquet(tmp_path: Path) -> None:
    """Card numbers held as doubles, as pandas leaves them, are the same identifiers."""
    frame = pl.read_csv(SPARKOV_FILE.encode(), try_parse_dates=True).with_columns(
        pl.col("cc_num").cast(pl.Float64)
    )
    read, text = mapped(tmp_path, SPARKOV, frame), mapped(tmp_path, SPARKOV, SPARKOV_FILE)
    assert read.breaks == ()
    assert read.frame.equals(text.frame)


def test_paysim_style(tmp_path: Path) -> None:
    read = mapped(tmp_path, PAYSIM, PAYSIM_FILE)
    assert read.breaks == ()
    assert read.frame["event_time"].to_list() == [
        datetime(2017, 1, 1, 1, tzinfo=UTC),
        datetime(2017, 1, 31, 23, tzinfo=UTC),
    ]
    assert read.frame["kind"].to_list() == ["purchase", "cash"]
    assert read.frame["channel"].to_list() == ["WALLET", "CASH"]
    assert read.frame["amount_minor"].to_list() == [983964, 18100]


def test_tabformer_style(tmp_path: Path) -> None:
    read = mapped(tmp_path, TABFORMER, TABFORMER_FILE)
    assert read.breaks == ()
    assert read.frame["event_time"][0] == datetime(2002, 9, 1, 10, 21, tzinfo=UTC)
    assert read.frame["instrument_id"].to_list() == ["0-0", "0-1"]
    assert read.frame["amount_minor"].to_list() == [113409, 3848]
    assert read.frame["kind"].to_list() == ["purchase", "refund"]
    assert read.frame["is_fraud"].to_list() == [False, True]
    assert read.frame["city"].to_list() == ["La Verne", None]


def test_banksim_style(tmp_path: Path) -> None:
    read = mapped(tmp_path, BANKSIM, BANKSIM_FILE)
    assert read.breaks == ()
    assert read.frame["customer_id"].to_list() == ["C1093826151", "C352968107"]
    assert read.frame["event_time"][1] == datetime(2013, 4, 29, tzinfo=UTC)
    assert read.frame["mcc"].to_list() == ["es_transportation", "es_travel"]


def test_a_file_without_header_names_columns_by_position(tmp_path: Path) -> None:
    mapping = BANKSIM + "header: false\n"
    for position, name in (
        (10, "fraud"),
        (1, "step"),
        (2, "customer"),
        (6, "merchant"),
        (9, "amount"),
        (8, "category"),
    ):
        mapping = mapping.replace(f"column: {name}", f"column: {position}").replace(
            f": {name}\n", f": {position}\n"
        )
    read = mapped(tmp_path, mapping, BANKSIM_FILE.split("\n", 1)[1])
    assert read.frame["amount_minor"].to_list() == [455, 3968]


@pytest.mark.parametrize(
    ("wrong", "rule", "column"),
    [
        ("2019-02-30 00:00:18", "event_time_unreadable", "event_time"),
        ("four", "amount_unreadable", "amount"),
        ("NaN", "amount_not_finite", "amount"),
        ("4.971", "amount_too_precise", "amount"),
        ("north", "latitude_unreadable", "latitude"),
        ("maybe", "is_fraud_unreadable", "is_fraud"),
    ],
)
def test_a_value_that_cannot_be_read_is_named(tmp_path: Path, wrong: str, rule: str, column: str) -> None:
    right = {
        "event_time": "2019-01-01 00:00:18",
        "amount": "4.97",
        "latitude": "36.0788",
        "is_fraud": "Moravian Falls,0",
    }[column]
    wrong = f"Moravian Falls,{wrong}" if column == "is_fraud" else wrong
    read = mapped(tmp_path, SPARKOV, SPARKOV_FILE.replace(right, wrong))
    assert [(item.rule, item.column, item.rows.to_list()) for item in read.breaks] == [
        (rule, column, [True, False])
    ]


def test_a_value_that_is_not_listed_is_named(tmp_path: Path) -> None:
    read = mapped(tmp_path, PAYSIM, PAYSIM_FILE.replace("CASH_OUT", "BARTER"))
    assert [(item.rule, item.rows.to_list()) for item in read.breaks] == [("kind_not_listed", [False, True])]


def test_null_values_are_missing(tmp_path: Path) -> None:
    content = SPARKOV_FILE.replace("36.0788", "NA").replace("misc_net", "  ")
    read = mapped(tmp_path, SPARKOV + "null_values: [NA]\n", content)
    assert read.breaks == ()
    assert (read.frame["latitude"][0], read.frame["mcc"][0]) == (None, None)


def test_identifiers_have_one_spelling(tmp_path: Path) -> None:
    read = mapped(tmp_path, SPARKOV, SPARKOV_FILE.replace("fraud_Heller", " Cafe\u0301 "))
    assert read.frame["counterparty_id"][1] == "Caf\u00e9"


@pytest.mark.parametrize(
    ("right", "wrong", "sentence"),
    [
        (
            "amount: amt",
            "amount: amout",
            "mapping.yaml: line 7: amount reads column 'amout', which some.file lacks",
        ),
        (
            "mcc: category",
            "mcc: Categorie",
            "line 8: mcc reads column 'Categorie', which some.file lacks, did you mean 'category'?",
        ),
        (
            "{row_number: true}",
            "{template: '{trans_num}'}",
            "line 3: transaction_id reads column 'trans_num', which some.file lacks",
        ),
        ("channel: CARD", "channel: CARD, latitude: north", "mapping.yaml: line 11: "),
    ],
)
def test_a_mapping_that_does_not_fit_the_file_is_refused(
    tmp_path: Path, right: str, wrong: str, sentence: str
) -> None:
    mapping = SPARKOV.replace(right, wrong)
    if "north" in wrong:
        mapping = mapping.replace("  latitude: lat\n", "")
        sentence = "line 12: 'north' cannot be read as latitude, which is of type number"
    with pytest.raises(InputError) as refused:
        mapped(tmp_path, mapping, SPARKOV_FILE)
    assert sentence in str(refused.value)


def test_a_column_of_the_wrong_type_is_refused(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {"step": [1], "customer": ["c"], "merchant": ["m"], "amount": [1.0], "category": ["x"], "fraud": [0]}
    )
    with pytest.raises(
        InputError, match=r"line 5: event_time reads column 'step', which holds numbers: say what they count"
    ):
        mapped(tmp_path, BANKSIM.replace("{column: step, unit: d, origin: 2012-11-01}", "step"), frame)
    with pytest.raises(InputError, match=r"line 8: amount reads column 'when', which holds Datetime"):
        mapped(
            tmp_path,
            BANKSIM.replace("amount: amount", "amount: when"),
            frame.with_columns(when=datetime(2020, 1, 1, tzinfo=UTC)),
        )
