"""The judgement on a PostgreSQL: what is refused, and what has to be done, no more."""

import mattermost_database_plan as plan
import mattermost_database_scram as scram
import pytest

ROLE = {"super": False, "login": True, "createdb": False, "createrole": False, "verifier": None, "databases": 0}
OURS = {"comment": plan.COMMENT}
DATABASE = {"owner": "mattermost", "encoding": "UTF8"}
WANTED = {
    "database": "mattermost",
    "role": "mattermost",
    "auth": "peer",
    "password": "",
    "superuser_password": "",
    "locale": "C.UTF-8",
}


def facts(role=None, database=None, version=15, relations=0, schema_owner="pg_database_owner", superuser=None):
    return {
        "version": version,
        "superuser": {"verifier": superuser},
        "role": role,
        "database": database,
        "contents": {"relations": relations, "schema_owner": schema_owner},
    }


def done(**more):
    return facts(role=ROLE | OURS, database=DATABASE | OURS, relations=63, **more)


def phrases(found, **wanted):
    return [(subject, phrase) for subject, phrase, _, _ in plan.steps(found, WANTED | wanted)]


def test_a_postgresql_that_the_release_cannot_use_is_refused():
    assert plan.too_old(14, "11.7.10", "upgrade it") is None
    assert "needs PostgreSQL 14 or newer, not 13." in plan.too_old(13, "11.7.10", "upgrade it")


def test_a_finished_database_needs_nothing():
    assert plan.steps(done(), WANTED) == []


def test_a_bare_cluster_gets_role_and_database():
    assert phrases(facts()) == [
        ("role mattermost", "created"),
        ("database mattermost", "created in UTF8, owned by mattermost"),
    ]
    sql = "\n".join(step[3] for step in plan.steps(facts(), WANTED))
    assert "TEMPLATE template0 ENCODING 'UTF8'" in sql
    assert "NOSUPERUSER" in sql
    assert "PASSWORD" not in sql


def test_what_was_done_is_a_sentence():
    both = {"role mattermost": ["created"], "database mattermost": ["created in UTF8, owned by mattermost"]}
    assert plan.in_words(both, testing=False) == "Created: role mattermost, database mattermost."
    assert plan.in_words(both, testing=True) == "Would create: role mattermost, database mattermost."
    assert plan.in_words({"role postgres": ["password set"]}, testing=False) == "Changed: role postgres: password set."


def test_nothing_is_ever_dropped():
    everything = [facts(), done(), facts(ROLE | {"super": True}, DATABASE | {"owner": "other"}, 14, 5, "postgres")]
    for found in everything:
        for _, _, _, sql in plan.steps(found, WANTED | {"superuser_password": "x"}):
            assert "DROP" not in sql.upper()


def test_before_15_the_schema_needs_its_owner():
    assert ("database mattermost", "schema public given to mattermost") in phrases(facts(version=14))
    assert phrases(done(version=14, schema_owner="mattermost")) == []
    assert phrases(done(version=14, schema_owner="postgres")) == [
        ("database mattermost", "schema public given to mattermost")
    ]


def test_a_password_is_set_once():
    assert ("role mattermost", "password set") in phrases(done(), auth="password", password="s3cret")
    set_already = done() | {"role": ROLE | OURS | {"verifier": scram.verifier("s3cret")}}
    assert phrases(set_already, auth="password", password="s3cret") == []
    assert phrases(set_already, auth="password", password="other") == [("role mattermost", "password set")]


def test_a_password_itself_never_stands_in_sql():
    steps = plan.steps(facts(), WANTED | {"auth": "password", "password": "s3cret", "superuser_password": "t0psecret"})
    assert len(steps) == 4
    for step in steps:
        assert "s3cret" not in "".join(step)
        assert "t0psecret" not in "".join(step)


def test_with_peer_the_role_has_no_password():
    found = done() | {"role": ROLE | OURS | {"verifier": scram.verifier("s3cret")}}
    assert phrases(found) == [("role mattermost", "password removed")]


def test_the_superusers_password_is_set_only_when_given_and_different():
    assert phrases(done(superuser=scram.verifier("t0psecret")), superuser_password="t0psecret") == []
    assert phrases(done(), superuser_password="t0psecret") == [("role postgres", "password set")]
    assert phrases(done(superuser=scram.verifier("t0psecret"))) == []


def test_a_role_that_grew_powers_loses_them():
    found = done() | {"role": ROLE | OURS | {"super": True, "login": False}}
    assert phrases(found) == [("role mattermost", "changed to LOGIN NOSUPERUSER")]


def test_a_database_with_another_owner_is_given_back():
    found = done() | {"database": DATABASE | OURS | {"owner": "postgres"}}
    assert phrases(found) == [("database mattermost", "owner changed from postgres to mattermost")]


FOREIGN = "This bundle did not create"


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (facts(database=DATABASE | {"owner": "wiki"}), f"{FOREIGN} the database mattermost, which wiki owns."),
        (facts(ROLE | OURS, DATABASE, relations=3), f"{FOREIGN} the database mattermost, which is not empty."),
        (facts(ROLE | {"super": True}), f"{FOREIGN} the role mattermost, which is a superuser."),
        (facts(ROLE | {"databases": 2}), f"{FOREIGN} the role mattermost, which owns other databases."),
    ],
)
def test_what_others_made_is_refused_unless_adopted(found, sentence):
    refusal = plan.refusal(found, "mattermost", "mattermost", adopt=False)
    assert refusal.startswith(sentence)
    assert "mattermost:server:adopt" in refusal
    assert plan.refusal(found, "mattermost", "mattermost", adopt=True) is None


def test_an_adopted_database_goes_to_its_role_with_its_contents():
    found = facts(ROLE | OURS, DATABASE | {"owner": "wiki"}, relations=3)
    assert phrases(found) == [
        ("database mattermost", "owner changed from wiki to mattermost"),
        ("database mattermost", "contents given to mattermost"),
        ("database mattermost", "marked as managed"),
    ]


def test_what_a_cut_off_run_left_is_taken_up():
    found = facts(ROLE | OURS, DATABASE)
    assert plan.refusal(found, "mattermost", "mattermost", adopt=False) is None
    assert phrases(found) == [("database mattermost", "marked as managed")]
    (step,) = plan.steps(found, WANTED)
    assert "REVOKE ALL ON DATABASE" in step[3]


def test_a_copy_that_an_undo_put_back_is_ours():
    found = done() | {"database": DATABASE | {"comment": "mattermost-switch: 11.7.10 before 11.8.1"}}
    assert plan.refusal(found, "mattermost", "mattermost", adopt=False) is None
    assert plan.steps(found, WANTED) == []


@pytest.mark.parametrize("adopt", [False, True])
@pytest.mark.parametrize(
    ("found", "database", "role", "sentence"),
    [
        (facts(), "mattermost", "postgres", "mattermost:database:user is postgres, PostgreSQL's superuser"),
        (facts(), "template1", "mattermost", "mattermost:database:name is template1, one of PostgreSQL's own"),
        (
            facts(ROLE | OURS, DATABASE | OURS | {"encoding": "SQL_ASCII"}),
            "mattermost",
            "mattermost",
            "The database mattermost is encoded in SQL_ASCII",
        ),
    ],
)
def test_some_things_are_refused_in_any_case(found, database, role, sentence, adopt):
    assert plan.refusal(found, database, role, adopt).startswith(sentence)


@pytest.mark.parametrize(("text", "sql"), [("plain", "'plain'"), ("it's", "'it''s'"), ("a\\'b", " E'a\\\\''b'")])
def test_strings_are_quoted(text, sql):
    assert plan.literal(text) == sql


def test_identifiers_are_quoted():
    assert plan.identifier('odd"name') == '"odd""name"'
