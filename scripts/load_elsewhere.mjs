// Other gateways as judges of supergraphs: one JSON request a line in, one JSON answer a line out.
//
//   node load_elsewhere.mjs FOLDER
//
// FOLDER has @apollo/gateway, @graphql-hive/gateway and @graphql-hive/router-query-planner installed
// under node_modules; they are only ever run, never shipped.
// Request: {"gateway": "apollo" | "hive" | "hive planner", "supergraph": SDL}.
// Answer: {"error": MESSAGE}, or {"types": NAMES} that clients see ({} from the planner).

import { createRequire } from "node:module";
import path from "node:path";
import readline from "node:readline";

const require = createRequire(path.join(path.resolve(process.argv[2]), "anchor.cjs"));
const { ApolloGateway } = require("@apollo/gateway");
const { Supergraph, ROUTER_SUPPORTED_SUPERGRAPH_FEATURES: supportedFeatures } =
  require("@apollo/federation-internals");
const { createGatewayRuntime } = require("@graphql-hive/gateway");
const { QueryPlanner } = require("@graphql-hive/router-query-planner");

const silent = () => {};
const logger = { debug: silent, info: silent, warn: silent, error: silent };

async function apollo(supergraphSdl) {
  const gateway = new ApolloGateway({ supergraphSdl, logger });
  try {
    const { schema } = await gateway.load();
    return Object.keys(schema.getTypeMap());
  } catch (error) {
    // what only the router of the same house has (access, contexts, cache tags) its library loads
    if (!String(error.message).includes("is unsupported")) throw error;
    const schema = Supergraph.build(supergraphSdl, { supportedFeatures }).apiSchema();
    return Object.keys(schema.toGraphQLJSSchema().getTypeMap());
  } finally {
    await gateway.stop();
  }
}

async function hive(supergraph) {
  const gateway = createGatewayRuntime({ supergraph, logging: false, skipValidation: false });
  try {
    const response = await gateway.fetch("http://gateway/graphql", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ query: "{ __schema { types { name } } }" }),
    });
    const { data, errors } = await response.json();
    if (errors) throw new Error(errors[0].message);
    return data.__schema.types.map(({ name }) => name);
  } finally {
    await gateway[Symbol.asyncDispose]();
  }
}

function planner(supergraph) {
  new QueryPlanner(supergraph);
}

const gateways = { apollo, hive, "hive planner": planner };

async function answer({ gateway, supergraph }) {
  try {
    return { types: (await gateways[gateway](supergraph))?.sort() };
  } catch (error) {
    return { error: String(error?.message ?? error) };
  }
}

for await (const line of readline.createInterface({ input: process.stdin })) {
  if (line.trim()) {
    process.stdout.write(JSON.stringify(await answer(JSON.parse(line))) + "\n");
  }
}
