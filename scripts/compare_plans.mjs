// A foreign planner as a filter: one JSON request a line in, one JSON answer a line out.
//
//   node compare_plans.mjs FOLDER PEER
//
// FOLDER has the planner (apollo: @apollo/query-planner, hive: @graphql-hive/router-query-planner)
// installed under node_modules; it is only ever run, never shipped.
// Requests: {"supergraph": SDL}, then any number of {"operation": TEXT, "labels": {NAME: ACTIVE}} for it.
// Answers: {"plan": NODE} (none for a supergraph) or {"error": MESSAGE}.
// A NODE is {"kind": "Sequence" | "Parallel", "nodes"}, {"kind": "Defer", "primary": NODE,
// "deferred": [{"depends": [ID], "node": NODE}]}, or a fetch in one form for all peers.

import { createRequire } from "node:module";
import path from "node:path";
import readline from "node:readline";

const require = createRequire(path.join(path.resolve(process.argv[2]), "anchor.cjs"));
const { parse } = require("graphql");

console.warn = () => {};

// A plan without what differs between the planners only in how it is written.
function node(found, at = [], when = []) {
  switch (found?.kind) {
    case "Sequence":
    case "Parallel":
      return { kind: found.kind, nodes: found.nodes.map((each) => node(each, at, when)) };
    case "Condition": {
      const nodes = [];
      for (const [clause, value] of [[found.ifClause, true], [found.elseClause, false]]) {
        if (clause) nodes.push(node(clause, at, [...when, [found.condition, value]]));
      }
      return { kind: "Parallel", nodes };
    }
    case "Subscription":
      return { kind: "Sequence", nodes: [node({ kind: "Fetch", ...found.primary }, at, when), node(found.rest, at, when)] };
    case "Defer":
      return { kind: "Defer", primary: node(found.primary.node, at, when), deferred: found.deferred.map(
        (each) => ({ depends: each.depends.map(({ id }) => id), node: node(each.node, at, when) })) };
    case "Flatten":
      return node(found.node, found.path, when);
    case "BatchFetch":
      return fetch(found, when, found.entityBatch.aliases.map(call));
    case "Fetch":
      return fetch(found, when, found.requires
        ? [call({ ...found, alias: "_entities", representationsVariableName: "representations", paths: [at] })]
        : null);
    default:
      return { kind: "Parallel", nodes: [] };
  }
}

function fetch({ id, serviceName, operation, operationKind, variableUsages, outputRewrites }, when, calls) {
  return { kind: "Fetch", id, service: serviceName, operation, operationKind, when, calls,
    variables: variableUsages ?? [], renames: (outputRewrites ?? []).map(rewrite) };
}

function call({ alias, representationsVariableName, paths, requires, inputRewrites, outputRewrites }) {
  return { alias, variable: representationsVariableName, paths: paths.map(flat), requires,
    rewrites: (inputRewrites ?? []).map(rewrite), renames: (outputRewrites ?? []).map(rewrite) };
}

function flat(path) {
  return path.map((item) => item.Field ?? item.Key ?? (item.TypeCondition ? `|[${item.TypeCondition}]`
    : item.TypenameEquals ? `... on ${item.TypenameEquals}` : item));
}

function rewrite(found) {
  const { path, setValueTo, renameKeyTo } = found.ValueSetter ?? found.KeyRenamer ?? found;
  return { path: flat(path), value: setValueTo ?? renameKeyTo };
}

function apollo() {
  const { QueryPlanner } = require("@apollo/query-planner");
  const { Supergraph, operationFromDocument, ROUTER_SUPPORTED_SUPERGRAPH_FEATURES: supportedFeatures } =
    require("@apollo/federation-internals");
  return (sdl) => {
    const supergraph = Supergraph.build(sdl, { supportedFeatures });
    const schema = supergraph.apiSchema();
    const planner = new QueryPlanner(supergraph, { incrementalDelivery: { enableDefer: true } });
    const deferring = supergraph.schema.toAPISchema({ includeDefer: true });
    return (text, labels) => planner.buildQueryPlan(
      operationFromDocument(text.includes("@defer") ? deferring : schema, parse(text)),
      { overrideConditions: new Map(Object.entries(labels)) }).node;
  };
}

function hive() {
  const { QueryPlanner } = require("@graphql-hive/router-query-planner");
  return (sdl) => {
    const planner = new QueryPlanner(sdl);
    return (text, labels) => {
      if (text.includes("@defer")) throw new Error("Hive ignores @defer.");
      const active = new Set(Object.keys(labels).filter((label) => labels[label]));
      return planner.plan(text, undefined, active, 0).node;
    };
  };
}

const make = { apollo, hive }[process.argv[3]]();
let plan = null;

function answer({ supergraph, operation, labels }) {
  try {
    if (supergraph !== undefined) {
      plan = make(supergraph);
      return {};
    }
    return { plan: node(plan(operation, labels)) };
  } catch (error) {
    return { error: String(error?.message ?? error) };
  }
}

for await (const line of readline.createInterface({ input: process.stdin })) {
  if (line.trim()) {
    process.stdout.write(JSON.stringify(answer(JSON.parse(line))) + "\n");
  }
}
