"""Which packages go with a removal: ours and what came for their sake, never what others had or use."""

import mattermost_packages as packages


def installed(**needs):
    """Return a host's packages: name -> what it needs; ``wants__NAME`` adds recommendations."""
    found = {name: {"needs": [[each] for each in needs[name]], "wants": [], "provides": []} for name in needs}
    return found


HOST = installed(base=["libc"], libc=[], nginx=["nginx-common", "libssl"], libssl=["libc"], vim=["libgpm"], libgpm=[])
HOST["nginx-common"] = {"needs": [["libssl"]], "wants": [["logrotate"]], "provides": []}
HOST["logrotate"] = {"needs": [], "wants": [], "provides": []}
BEFORE = ["base", "libc"]


def test_ours_go_with_what_came_for_their_sake():
    assert packages.removable(HOST, BEFORE, ["nginx"]) == ["libssl", "logrotate", "nginx", "nginx-common"]


def test_what_was_there_before_stays():
    assert packages.removable(HOST, [*BEFORE, "nginx", "nginx-common", "libssl"], ["nginx"]) == []
    assert "libssl" not in packages.removable(HOST, [*BEFORE, "libssl"], ["nginx"])


def test_what_somebody_installed_since_stays_with_all_it_needs():
    host = {**HOST, "vim": {"needs": [["libssl"]], "wants": [["logrotate"]], "provides": []}}
    assert packages.removable(host, BEFORE, ["nginx"]) == ["nginx", "nginx-common"]


def test_what_somebody_asked_for_by_name_stays():
    assert "logrotate" not in packages.removable(HOST, BEFORE, ["nginx"], manual=["logrotate", "nginx"])
    assert "nginx" in packages.removable(HOST, BEFORE, ["nginx"], manual=["nginx"])


def test_a_package_that_another_still_needs_stays_though_it_is_ours():
    host = {**HOST, "portal": {"needs": [["nginx", "apache2"]], "wants": [], "provides": []}}
    assert packages.removable(host, BEFORE, ["nginx"]) == []


def test_a_name_that_a_package_only_provides_counts():
    host = installed(base=["webserver"], nginx=[])
    host["nginx"]["provides"] = ["webserver"]
    assert packages.removable(host, ["base"], ["nginx"]) == []


def test_dpkgs_words_are_read():
    text = (
        "nginx\tinstalled\tnginx-common (>= 1.2), iproute2 | net-tools\tinit:any\t\thttpd, httpd-cgi (= 1)\n"
        "old\tconfig-files\t\t\t\t\nhalf\thalf-installed\t\t\t\t\n"
    )
    found = packages.from_dpkg(text)
    assert sorted(found) == ["half", "nginx"]
    assert found["nginx"]["needs"] == [["nginx-common"], ["iproute2", "net-tools"], ["init"]]
    assert found["nginx"]["provides"] == ["httpd", "httpd-cgi"]


def test_rpms_words_are_read():
    needs = "nginx\tlibssl.so.10()(64bit)\nnginx\t/bin/sh\nnginx\trpmlib(CompressedFileNames)\nbash\t\n"
    provides = "openssl-libs\tlibssl.so.10()(64bit)\nbash\t/bin/sh\nnginx\tnginx\n"
    found = packages.from_rpm(needs, provides)
    assert found["nginx"]["needs"] == [["libssl.so.10()(64bit)"], ["/bin/sh"]]
    assert packages.removable(found, ["bash"], ["nginx"]) == ["nginx", "openssl-libs"]


def test_what_somebody_asked_yum_for_is_known(tmp_path):
    for name, reason in (("ab12-jq-devel-1.6-2.el7-x86_64", "user"), ("cd34-oniguruma-6.8.2-2.el7-x86_64", "dep")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "reason").write_text(reason)
    assert packages.from_yumdb(tmp_path.glob("*/reason")) == ["jq-devel"]
