// What the picker knows of saved operations: their kind, and the variables that they ask for.
import { Kind, parse } from 'graphql';

const KINDS = { query: 'Queries', mutation: 'Mutations', subscription: 'Subscriptions' };
const EMPTY = { Int: 0, Float: 0, Boolean: false, String: '', ID: '' };

function definitionOf(body) {
  try {
    return parse(body).definitions.find((each) => each.kind === Kind.OPERATION_DEFINITION);
  } catch {
    return undefined; // the server says what is wrong with it
  }
}

// [[heading, operations]]: queries, mutations, subscriptions, each by name.
export function byKind(operations) {
  const groups = Object.fromEntries(Object.values(KINDS).map((heading) => [heading, []]));
  for (const each of operations) {
    groups[KINDS[definitionOf(each.body)?.operation ?? 'query']].push(each);
  }
  const named = (a, b) => a.name.localeCompare(b.name);
  return Object.entries(groups)
    .filter(([, found]) => found.length > 0)
    .map(([heading, found]) => [heading, found.toSorted(named)]);
}

// The variables that must be given, with empty values to fill in, as JSON; undefined for none.
export function variablesOf(body) {
  const required = (definitionOf(body)?.variableDefinitions ?? []).filter(
    (each) => each.type.kind === Kind.NON_NULL_TYPE && !each.defaultValue,
  );
  if (required.length === 0) return undefined;
  const values = required.map(({ variable, type: { type } }) => [
    variable.name.value,
    type.kind === Kind.LIST_TYPE ? [] : (EMPTY[type.name.value] ?? {}),
  ]);
  return JSON.stringify(Object.fromEntries(values), null, 2);
}

// JSON as people read it; what is no JSON as it stands, for the editor to mark.
export function pretty(text) {
  if (!text) return undefined;
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
