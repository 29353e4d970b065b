// The reference composer as a filter: one JSON request a line in, one JSON answer a line out.
//
//   node compare_composition.mjs FOLDER
//
// FOLDER has @apollo/composition installed under node_modules; it is only ever run, never shipped.
// Request: {"subgraphs": [{"name", "url", "sdl"}], "options": {}}.
// Answer: {"errors": [{"code", "message"}], "hints": [{"code", "level", "coordinate", "message"}], "supergraphSdl",
// "cpuSeconds"}.

import { createRequire } from "node:module";
import path from "node:path";
import readline from "node:readline";

const require = createRequire(path.join(path.resolve(process.argv[2]), "anchor.cjs"));
const { composeServices } = require("@apollo/composition");
const { parse } = require("graphql");

console.warn = () => {};

function answer({ subgraphs, options }) {
  try {
    const services = subgraphs.map(({ name, url, sdl }) => ({ name, url, typeDefs: parse(sdl) }));
    const { errors, hints, supergraphSdl } = composeServices(services, options ?? {});
    return {
      errors: (errors ?? []).map(({ message, extensions }) => ({ code: extensions?.code ?? null, message })),
      hints: (hints ?? []).map(({ definition, coordinate, message }) => ({
        code: definition.code,
        level: definition.level.name,
        coordinate: coordinate ?? null,
        message,
      })),
      supergraphSdl: supergraphSdl ?? null,
    };
  } catch (error) {
    return {
      errors: [{ code: error.extensions?.code ?? null, message: `(thrown) ${error.message}` }],
      hints: [],
      supergraphSdl: null,
    };
  }
}

function timed(request) {
  const begun = process.cpuUsage();
  const answered = answer(request);
  const { user, system } = process.cpuUsage(begun);
  return { ...answered, cpuSeconds: (user + system) / 1e6 };
}

for await (const line of readline.createInterface({ input: process.stdin })) {
  if (line.trim()) {
    process.stdout.write(JSON.stringify(timed(JSON.parse(line))) + "\n");
  }
}
