"""Filters as people write them become typed ones, and a mistake is told with what would have been right."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from scanpool.report.findings.errors import BadFilter
from scanpool.report.findings.filter_syntax import COMPLIANCE_FILTERS, FILTERS, parse, parse_compliance
from scanpool.report.findings.filters import MOST_VALUES, ComplianceFilters, Filters, Score


@pytest.mark.parametrize(
    ("text", "typed"),
    [
        ("severity=high", Filters(severity=("high",))),
        ("severity=Critical, 0,unrated", Filters(severity=("critical", "info", "unrated"))),
        ("severity>=high", Filters(severity=("high", "critical"))),
        ("severity=4,0", Filters(severity=("critical", "info"))),
        ("severity>2", Filters(severity=("high", "critical"))),
        ("severity < low", Filters(severity=("info",))),
        ("severity<=low", Filters(severity=("info", "low"))),
        ("host=10.0.0.0/24,web.example", Filters(host=("10.0.0.0/24", "web.example"))),
        ("host=https://web.example/a", Filters(host=("https://web.example/a",))),
        ("plugin_id=19506,10180", Filters(plugin_id=(19506, 10180))),
        ('family="Web Servers, old",General', Filters(family=("Web Servers, old", "General"))),
        ("plugin_family=General", Filters(family=("General",))),
        ("port=443", Filters(port=(443,))),
        ("cve=cve-2021-44228", Filters(cve=("CVE-2021-44228",))),
        ("cvss3>7", Filters(scores=(Score("cvss3", ">", 7),))),
        ("cvss3_base_score<=7.5", Filters(scores=(Score("cvss3", "<=", 7.5),))),
        ("cvss_score=10", Filters(scores=(Score("cvss", "=", 10),))),
        ("cvss_base_score<5", Filters(scores=(Score("cvss2", "<", 5),))),
        ("epss>=0.5", Filters(scores=(Score("epss", ">=", 0.5),))),
        ("exploit_available=yes", Filters(exploit_available=True)),
        ("cisa-known-exploited=false", Filters(known_exploited=False)),
        ("name~openssl, 1.0", Filters(name=("openssl, 1.0",))),
        ('output~"a >= b "', Filters(output=("a >= b ",))),
        ("plugin_output~=", Filters(output=("=",))),
    ],
)
def test_a_condition_is_read(text: str, typed: Filters) -> None:
    assert parse([text]) == typed


def test_conditions_stand_beside_each_other() -> None:
    assert parse(["cvss3>=4", "cvss3<7", "name~a", "name~b", "port=1"]) == Filters(
        scores=(Score("cvss3", ">=", 4), Score("cvss3", "<", 7)), name=("a", "b"), port=(1,)
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("severty=high", "no filter 'severty'; did you mean 'severity'? There are: severity>=high"),
        ("zzz=1", "no filter 'zzz'. There are: .*output~"),
        ("openssl", "'openssl' is no filter; write it as severity>=high"),
        ("severity=hgih", "'hgih' is none; did you mean 'high'?"),
        ("severity=5", "'5' is none"),
        ("severity=004", "'004' is none"),
        ("severity=012", "'012' is none"),
        ("cvss>=1_0", "'1_0' is no number"),
        ("cvss>=\u0667", "'\u0667' is no number"),
        ("cvss>=1.2.3", "'1.2.3' is no number"),
        ("severity>critical", "no severity is > critical"),
        ("severity>=unrated", "write severity=unrated"),
        ("severity!=info", "severity takes =, >=, >, <= or <"),
        ("severity~high", "severity takes"),
        ("name=openssl", "name takes ~: name~openssl"),
        ("host=10.0.0.0/33", "'10.0.0.0/33' is no network, as 10.0.0.0/24"),
        ("host=", "1 to 1000 characters"),
        ("host=a,,b", "1 to 1000 characters"),
        ('family="a', "family"),
        ("plugin_id=-1", "'-1' is no number; write it as plugin_id=19506"),
        ("plugin_id=1,", "'' is no number"),
        ("plugin_id=" + "9" * 30, "is no number"),
        ("port=65536", "not a port, 0 to 65535"),
        ("port=²", "is no number"),
        ("cve=2021-44228", "'2021-44228' is not a CVE, as CVE-2021-44228"),
        ("cvss3>high", "'high' is no number; write it as cvss3>=7.5"),
        ("cvss3>nan", "is no number"),
        ("exploit_available=maybe", "'maybe' is neither true nor false"),
        ("name~", "1 to 1000 characters"),
        ("output~" + "x" * 1001, "not 1001"),
        ("output~\ud800", "not Unicode text"),
    ],
)
def test_a_mistake_is_told_with_what_would_be_right(text: str, told: str) -> None:
    with pytest.raises(BadFilter, match=told.replace("(", r"\(").replace("?", r"\?")):
        parse([text])


def test_a_filter_given_twice_is_refused_rather_than_widened() -> None:
    with pytest.raises(BadFilter, match="host=a,b"):
        parse(["host=10.0.0.1", "host=10.0.0.2"])


def test_more_values_than_can_be_meant_are_refused() -> None:
    with pytest.raises(BadFilter, match=f"at most {MOST_VALUES}"):
        parse(["plugin_id=" + ",".join(map(str, range(MOST_VALUES + 1)))])
    for too_many in (["cvss>=0"] * (MOST_VALUES + 1), ["severity=" + ",".join(["high"] * (MOST_VALUES + 1))]):
        with pytest.raises(BadFilter, match=f"at most {MOST_VALUES}"):
            parse(too_many)


def test_a_message_is_no_longer_than_a_person_reads() -> None:
    with pytest.raises(BadFilter) as told:
        parse(["x" * 1_000_000])
    assert len(str(told.value)) < 1500


def test_compliance_results_have_filters_of_their_own() -> None:
    conditions = ["result=failed,warning", "host=10.0.0.1", "check_name~password", "check_id=1.1", "plugin_id=21157"]
    assert parse_compliance(conditions) == ComplianceFilters(
        result=("failed", "warning"), host=("10.0.0.1",), name=("password",), check_id=("1.1",), plugin_id=(21157,)
    )
    with pytest.raises(BadFilter, match=r"no filter 'severity'\. There are: result=failed"):
        parse_compliance(["severity=high"])


@pytest.mark.parametrize("form", FILTERS, ids=lambda form: form.name)
def test_every_example_is_one(form: Any) -> None:
    assert parse([form.example.partition(" (")[0]]) != Filters()


@pytest.mark.parametrize("form", COMPLIANCE_FILTERS, ids=lambda form: form.name)
def test_every_example_of_compliance_is_one(form: Any) -> None:
    assert parse_compliance([form.example]) != ComplianceFilters()


def test_the_typed_form_comes_from_json_and_is_checked_there() -> None:
    text = b'{"severity":["high"],"scores":[{"of":"cvss3","operator":">=","value":7}],"host":["10.0.0.0/8"]}'
    filters = msgspec.json.decode(text, type=Filters)
    assert filters == parse(["severity=high", "cvss3>=7", "host=10.0.0.0/8"])
    assert msgspec.json.encode(filters).startswith(b'{"severity":["high"],"host"')
    for bad in (b'{"severty":[]}', b'{"severity":["hi"]}', b'{"host":["10.0.0.0/99"]}', b'{"port":[70000]}'):
        with pytest.raises(msgspec.ValidationError):
            msgspec.json.decode(bad, type=Filters)
