"""Verifiers: what PostgreSQL itself would store, and no way back to the password."""

import base64

import mattermost_database_scram as scram
import pytest

# made by PostgreSQL 15: CREATE ROLE x PASSWORD 'pencil'; SELECT rolpassword FROM pg_authid
FROM_POSTGRESQL = "SCRAM-SHA-256$4096:B65d4UXxNAoS/wD8wVlgTA==$p0aHDuZX00BOZh9Mh/WaF6r6XCiBcJOqB9yyMpts7J0=:lnzlKLJNgDZO0j49SJsIXLeqmhnw72AgcMxC71C+ChU="
FROM_POSTGRESQL_UNICODE = "SCRAM-SHA-256$4096:/7BILyzsqbEYmM8qIHA23A==$IaI4pI4zP0QRsSGe19Efil7aTOHAjHQlZGjDj422r6Y=:l13pYTi2o0oZzWn4HreL2qBqvfRoOu1dWXkfw2aUDAA="  # of 'Ⅸ\u00ad ﬁsh', whose normal form is 'IX fish'


@pytest.mark.parametrize(
    ("stored", "password"),
    [(FROM_POSTGRESQL, "pencil"), (FROM_POSTGRESQL_UNICODE, "Ⅸ\u00ad ﬁsh"), (FROM_POSTGRESQL_UNICODE, "IX fish")],
)
def test_a_verifier_of_postgresql_matches_its_password(stored, password):
    assert scram.matches(stored, password)
    assert not scram.matches(stored, password + "x")


def test_ours_is_the_one_of_postgresql_for_the_same_salt():
    salt = base64.b64decode(FROM_POSTGRESQL.split(":")[1].split("$")[0])
    assert scram.verifier("pencil", salt) == FROM_POSTGRESQL


def test_two_verifiers_of_one_password_differ_and_both_match():
    first, second = scram.verifier("s3cret"), scram.verifier("s3cret")
    assert first != second
    assert scram.matches(first, "s3cret")
    assert scram.matches(second, "s3cret")
    assert "s3cret" not in first


def test_another_number_of_iterations_is_honoured():
    assert scram.matches(scram.verifier("s3cret", iterations=10000), "s3cret")


@pytest.mark.parametrize("stored", [None, "", "md5c01eb9a12c0b3a3b0cfd9c3a4d8f9d11", "SCRAM-SHA-256$4096:broken"])
def test_what_is_no_verifier_matches_nothing(stored):
    assert not scram.matches(stored, "s3cret")


@pytest.mark.parametrize("text", ["\u0007bell", "mixed \u05d0 and a", "\u00ad"])
def test_a_text_without_normal_form_stays(text):
    assert scram.saslprep(text) == text
