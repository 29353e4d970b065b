"""The one base of all Strawberry subgraphs: what is easily got wrong is got right here, once.

A subgraph, whole::

    from drassist import graph
    from drassist.graph import ID

    Info: TypeAlias = strawberry.Info[graph.Context[Services], None]

    async def notes_by_id(services: Services, ids: Sequence[str]) -> dict[str, NoteRow]:
        async with services.database.session() as session: ...      # one query for all ids

    @graph.entity("A clinical note.", keys=["id"])
    class Note(graph.Entity):
        id: ID = graph.field("Opaque id.")
        text: str = graph.field("What it says.", phi=True, scopes=reads("Composition"))

        @classmethod
        @graph.reference("id")
        async def by_id(cls, info: Info, id: ID) -> Note | None:
            row = await info.context.load(notes_by_id, id)
            return None if row is None else note(row)

    @graph.type("What signing gives.")
    class SignNotePayload(graph.Payload):
        note: Note | None = graph.field("The signed note.", default=None)

    @graph.type("Changes.")
    class Mutation:
        @graph.mutation("Sign a note.", scopes=command("note.sign"))
        async def sign_note(
            self, info: Info, id: Annotated[ID, graph.arg("Which.")]
        ) -> SignNotePayload:
            row = await sign(info.context.services, id)   # raises graph.DomainError: a user error
            return SignNotePayload(note=note(row))

    schema = graph.build_schema(Query, Mutation, Subscription, types=[Patient])
    app = graph.Subgraph("notes", schema, open_services, authenticate)    # ASGI, and in process

Lists that people page through are connections: ``graph.Connection[Note]``, made by
``graph.connect(await graph.paginate(session, select, keys, graph.Page.of(first, after)), note)``.
Entities of other subgraphs are stubs: ``@graph.entity("…") class Patient(graph.Entity): id: ID``.
"""

from strawberry import ID, UNSET

from drassist.graph.context import Batch, Context
from drassist.graph.entity import Entity, entity, reference
from drassist.graph.errors import ClientError, DomainError, ErrorCode, Payload, UserError
from drassist.graph.fields import (
    arg,
    enum,
    field,
    input,
    interface,
    resolver,
    subscription,
    type,
    union,
    value,
)
from drassist.graph.mutations import mutation
from drassist.graph.relay import (
    After,
    Before,
    Connection,
    Edge,
    First,
    Key,
    Last,
    Page,
    PageInfo,
    Slice,
    connect,
    paginate,
    slice_list,
)
from drassist.graph.scalars import PartialDateText
from drassist.graph.schema import GraphSchema, build_schema, undescribed
from drassist.graph.subgraph import Subgraph
from drassist.graph.values import (
    Address,
    CodedConcept,
    CodedConceptInput,
    Coding,
    CodingInput,
    ContactPoint,
    HumanName,
    Identifier,
    Period,
    Quantity,
    QuantityInput,
)

__all__ = [
    "ID",
    "UNSET",
    "Address",
    "After",
    "Batch",
    "Before",
    "ClientError",
    "CodedConcept",
    "CodedConceptInput",
    "Coding",
    "CodingInput",
    "Connection",
    "ContactPoint",
    "Context",
    "DomainError",
    "Edge",
    "Entity",
    "ErrorCode",
    "First",
    "GraphSchema",
    "HumanName",
    "Identifier",
    "Key",
    "Last",
    "Page",
    "PageInfo",
    "PartialDateText",
    "Payload",
    "Period",
    "Quantity",
    "QuantityInput",
    "Slice",
    "Subgraph",
    "UserError",
    "arg",
    "build_schema",
    "connect",
    "entity",
    "enum",
    "field",
    "input",
    "interface",
    "mutation",
    "paginate",
    "reference",
    "resolver",
    "slice_list",
    "subscription",
    "type",
    "undescribed",
    "union",
    "value",
]
