"""Where a webhook may lead: the internet, and what the house names of its own network."""

import socket

import pytest
from django.core.exceptions import ValidationError

from zarts.hooks import sending
from zarts.hooks.addresses import is_public, refuse_address

INNER = [
    "https://127.0.0.1/",
    "https://127.1/",
    "https://0x7f.0.0.1/",
    "https://2130706433/",
    "https://0177.0.0.1/",
    "https://10.1.2.3/",
    "https://172.16.0.9/",
    "https://192.168.1.1/",
    "https://169.254.169.254/latest/meta-data/",
    "https://100.64.0.1/",
    "https://0.0.0.0/",
    "https://[::1]/",
    "https://[::]/",
    "https://[::ffff:10.0.0.1]/",
    "https://[64:ff9b::a00:1]/",
    "https://[fd00::1]/",
    "https://[fe80::1]/",
    "https://localhost/",
    "https://localhost./",
    "https://db/",
    "https://metadata.google.internal/",
    "https://printer.local/",
]


@pytest.mark.parametrize("url", INNER)
def test_an_address_of_a_private_network_is_refused(url):
    with pytest.raises(ValidationError, match="private network"):
        refuse_address(url)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://example.com/", "Begin with https"),
        ("http://localhost:9/", "Begin with https"),
        ("ftp://example.com/", "whole address"),
        ("example.com/hooks", "whole address"),
        ("https://", "whole address"),
        ("https://example.com:x/", "whole address"),
        ("https://[::1/", "whole address"),
        ("https://user:pass@example.com/", "before the @"),
        ("https://example.com@10.0.0.1/", "before the @"),
        ("https://example.com\\@10.0.0.1/", "backslashes"),
        ("https://exa mple.com/", "without spaces"),
        ("https://example.com/\r\nHost: other", "without spaces"),
        ("https://example.com:22/", "port 443"),
        ("https://example.com:6379/", "port 443"),
        ("https://example.com:0/", "port 443"),
        ("https://\uff11\uff12\uff17.0.0.1/", "No host has such a name"),
        ("https://\u2603\u2603\ufe0f.com/", "No host has such a name"),
        (f"https://{'a' * 64}.com/", "1 to 63 letters"),
        ("https://example..com/", "1 to 63 letters"),
    ],
)
def test_what_is_no_address_for_this_is_refused_in_words(url, said):
    with pytest.raises(ValidationError, match=said):
        refuse_address(url)


@pytest.mark.parametrize(
    "url", ["https://example.com/", "https://example.com:8443/a?b=c", "https://8.8.8.8/", "https://bücher.de/"]
)
def test_an_address_of_the_internet_is_taken(url):
    refuse_address(url)


def test_hosts_that_the_house_names_may_be_told(settings):
    settings.HOOKS_OWN_HOSTS = ["erp.internal", "localhost:9000"]
    refuse_address("http://erp.internal:8080/")
    refuse_address("http://localhost:9000/")
    with pytest.raises(ValidationError):
        refuse_address("http://localhost:9001/")


def leads_to(*addresses):
    families = [socket.AF_INET6 if ":" in each else socket.AF_INET for each in addresses]
    return lambda host, port, **kwargs: [
        (family, socket.SOCK_STREAM, 6, "", (address, port))
        for family, address in zip(families, addresses, strict=True)
    ]


@pytest.mark.parametrize(
    "addresses",
    [["127.0.0.1"], ["10.0.0.1"], ["169.254.169.254"], ["::1"], ["::ffff:127.0.0.1"], ["8.8.8.8", "10.0.0.1"]],
    ids=str,
)
def test_a_name_that_leads_inside_is_not_connected_to(addresses, monkeypatch):
    """The name is looked up once, by what connects: it cannot lead elsewhere in between."""
    monkeypatch.setattr(socket, "getaddrinfo", leads_to(*addresses))
    outcome = sending.post("https://hooks.example.com/", b"{}", {})
    assert outcome.said == "Its name leads into a private network: nothing was sent there."


def test_a_name_that_turned_since_it_was_typed_gets_nothing(monkeypatch, receiver, settings):
    there = receiver()
    settings.HOOKS_OWN_HOSTS = []
    lead = leads_to("127.0.0.1")
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, port, **kwargs: lead(host, there.port))
    assert "private" in sending.post("https://hooks.example.com/", b"{}", {}).said
    assert there.got == []


def test_a_host_that_the_house_does_not_name_any_more_is_told_nothing(receiver, settings):
    there = receiver()
    settings.HOOKS_OWN_HOSTS = []
    assert "https://" in sending.post(there.url, b"{}", {}).said
    assert there.got == []


def test_a_name_that_leads_nowhere_is_said(monkeypatch):
    def nowhere(*args, **kwargs):
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", nowhere)
    assert sending.post("https://hooks.example.com/", b"{}", {}).said.startswith("There is no such host")


def test_no_proxy_of_the_environment_stands_between(monkeypatch, receiver):
    there = receiver()
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert sending.post(there.url, b"{}", {}).ok


@pytest.mark.parametrize(
    "address", ["224.0.0.1", "255.255.255.255", "2002:7f00:1::", "2001:0:1::1", "fe80::1%eth0", "fec0::1"]
)
def test_what_is_no_place_of_the_internet_is_not_public(address):
    assert not is_public(address)
