"""What one subgraph reports about one field costs nothing else."""

from __future__ import annotations

from tests.router.traps.kit import Federation, Subgraph


async def test_an_error_beside_data_does_not_stop_the_fetches_below() -> None:
    federation = Federation(
        a=Subgraph(
            'type Query { users: [User] } type User @key(fields: "id") { id: ID! broken: Int }',
            roots={"users": [{"id": "1"}, {"id": "2", "broken": 5}]},
        ),
        b=Subgraph(
            'type User @key(fields: "id") { id: ID! age: Int ill: Int friend: User }',
            entities={
                "User": [{"id": "1", "age": 7, "friend": {"id": "2"}}, {"id": "2", "age": 8}]
            },
        ),
        c=Subgraph(
            'type User @key(fields: "id") { id: ID! name: String }',
            entities={"User": [{"id": "1", "name": "One"}, {"id": "2", "name": "Two"}]},
        ),
    )
    outcome = await federation.ask("{ users { broken age } }")
    assert outcome.data == {"users": [{"broken": None, "age": 7}, {"broken": 5, "age": 8}]}
    assert [error["path"] for error in outcome.errors] == [["users", 0, "broken"]]

    outcome = await federation.ask("{ users { ill friend { name } name } }")
    assert outcome.data == {
        "users": [
            {"ill": None, "friend": {"name": "Two"}, "name": "One"},
            {"ill": None, "friend": None, "name": "Two"},
        ]
    }
    assert sorted(map(str, (error["path"] for error in outcome.errors))) == [
        "['users', 0, 'ill']",
        "['users', 1, 'friend']",
        "['users', 1, 'ill']",
    ]
