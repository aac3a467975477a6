"""Carries out GraphQL documents against the schema beside this file, and keeps what isn't in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import graphql
from graphql import GraphQLError, GraphQLSchema

from tests.wandb_server.messages import Answer, Refusal, Request
from tests.wandb_server.mutations import Mutations
from tests.wandb_server.queries import Queries
from tests.wandb_server.storage import Storage

SCHEMA = Path(__file__).with_name("schema.graphql")
TOLERATED = (graphql.NoUnusedVariablesRule, graphql.NoUnusedFragmentsRule)
"""The real server lets the client declare more than it uses, which it does."""
RULES = [rule for rule in graphql.specified_rules if rule not in TOLERATED]


class GraphqlApi:
    """What isn't in the schema is added to `unknown`, and so are errors of our own."""

    def __init__(self, storage: Storage, unknown: list[str]) -> None:
        self._unknown = unknown
        self._schema = _schema()
        self._queries = Queries(storage)
        self._mutations = Mutations(storage)

    def answer(self, request: Request) -> Answer:
        content = request.json()
        try:
            document = graphql.parse(content["query"])
        except GraphQLError as error:
            return self._not_understood(request, [error])
        if errors := graphql.validate(self._schema, document, RULES):
            return self._not_understood(request, errors)
        operation = graphql.get_operation_ast(document)
        assert operation, "the client sends one operation at a time"
        is_mutation = operation.operation is graphql.OperationType.MUTATION
        result = graphql.execute_sync(
            self._schema,
            document,
            self._mutations if is_mutation else self._queries,
            variable_values=content.get("variables"),
            operation_name=content.get("operationName") or None,
            type_resolver=lambda node, info, abstract_type: node.typename,
        )
        if not result.errors:
            return Answer.of({"data": result.data})
        refusals = [error.original_error for error in result.errors if isinstance(error.original_error, Refusal)]
        if len(refusals) < len(result.errors):
            return self._not_understood(request, result.errors)
        return Answer.of(_failure(result.errors), refusals[0].status)

    def _not_understood(self, request: Request, errors: list[GraphQLError]) -> Answer:
        self._unknown += [f"{request.operation}: {error.message}" for error in errors]
        return Answer.of(_failure(errors), 400)


def _failure(errors: list[GraphQLError]) -> dict[str, Any]:
    return {"errors": [{"message": error.message, "path": error.path} for error in errors], "data": None}


def _schema() -> GraphQLSchema:
    schema = graphql.build_schema(SCHEMA.read_text())
    json_string = schema.type_map["JSONString"]
    assert isinstance(json_string, graphql.GraphQLScalarType)
    json_string.coerce_output_value = json.dumps
    json_string.coerce_input_value = json.loads
    return schema
