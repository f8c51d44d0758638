"""What certbot renews of ours: not what no site serves any more, and never somebody else's."""

import mattermost_letsencrypt_certbot as certbot
import pytest

from tests import states

OLD, NEW, OTHER = "old.example.test", "new.example.test", "mail.example.test"


@pytest.fixture
def host(tmp_path):
    for name in (OLD, NEW, OTHER):
        (tmp_path / "letsencrypt/renewal").mkdir(parents=True, exist_ok=True)
        (tmp_path / f"letsencrypt/renewal/{name}.conf").write_text("x")
    (tmp_path / "nginx/conf.d").mkdir(parents=True)
    for name in (OLD, NEW):
        certbot.remember(str(tmp_path / "work"), name)
    return tmp_path


def retired(host, test=False, serving=NEW, name=NEW):
    own = host / "nginx/conf.d/mattermost-ssl.conf"
    return states.load_state("mattermost_renewal", test).retired(
        name,
        str(host / f"letsencrypt/live/{serving}/fullchain.pem"),
        str(host / "work"),
        str(host / "letsencrypt"),
        str(host / "nginx"),
        [str(own)],
    )


def renewed(host):
    return sorted(path.name for path in (host / "letsencrypt/renewal").glob("*.conf"))


def test_an_earlier_name_is_renewed_no_longer(host):
    (host / "nginx/conf.d/mattermost-ssl.conf").write_text(f"{host}/letsencrypt/live/{OLD}/fullchain.pem")
    assert retired(host, test=True)["result"] is None
    assert len(renewed(host)) == 3
    assert len(retired(host)["changes"]) == 1
    assert renewed(host) == [f"{OTHER}.conf", f"{NEW}.conf"]
    assert (host / f"letsencrypt/renewal/{OLD}.conf.kept").exists()
    assert retired(host)["changes"] == {}


def test_a_certificate_that_somebodys_site_serves_is_renewed_on(host):
    (host / "nginx/conf.d/own.conf").write_text(f"ssl_certificate {host}/letsencrypt/live/{OLD}/fullchain.pem;")
    assert retired(host)["changes"] == {}


def test_own_files_end_the_renewals(host):
    assert len(retired(host, serving="elsewhere")["changes"]) == 2
    assert renewed(host) == [f"{OTHER}.conf"]


def test_names_are_remembered_once(host):
    certbot.remember(str(host / "work"), OLD)
    assert certbot.remembered(str(host / "work")) == [NEW, OLD]
    assert certbot.remembered(str(host / "nowhere")) == []
