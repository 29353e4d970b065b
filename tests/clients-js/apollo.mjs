// Apollo Client (core, no React): node apollo.mjs query|persisted|defer-2022|defer-ids|multipart|ws URL DOCUMENT
// Prints one JSON line per result; a subscription says {"subscribed":true} first, {"done":true} last.
import { createHash } from 'node:crypto';
import WebSocket from 'ws';
import { ApolloClient, HttpLink, InMemoryCache, gql } from '@apollo/client/core';
import { Defer20220824Handler, GraphQL17Alpha9Handler } from '@apollo/client/incremental';
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { createClient } from 'graphql-ws';

const [kind, url, text] = process.argv.slice(2);
const say = (value) => console.log(JSON.stringify(value));
const document = gql(text);
const sent = [];
const http = new HttpLink({
  uri: url,
  fetch: (target, options) => {
    sent.push(`${options.method} ${/[?&]query=|"query":/.test(target + (options.body ?? '')) ? 'text' : 'hash'}`);
    return fetch(target, options);
  },
});
const hashed = new PersistedQueryLink({
  sha256: (value) => createHash('sha256').update(value).digest('hex'),
  useGETForHashedQueries: true,
});
const socket = kind === 'ws' ? createClient({ url, webSocketImpl: WebSocket, lazy: true }) : null;
const links = { ws: () => new GraphQLWsLink(socket), persisted: () => hashed.concat(http) };
const client = new ApolloClient({
  link: (links[kind] ?? (() => http))(),
  cache: new InMemoryCache(),
  incrementalHandler: kind === 'defer-ids' ? new GraphQL17Alpha9Handler() : new Defer20220824Handler(),
});

const ended = (last) => { say(last); client.stop(); socket?.dispose(); };
if (kind === 'ws' || kind === 'multipart') {
  client.subscribe({ query: document }).subscribe({
    next: (result) => say({ next: { data: result.data, error: result.error?.message } }),
    error: (error) => ended({ error: String(error.message ?? error) }),
    complete: () => ended({ done: true }),
  });
  say({ subscribed: true });
} else if (kind.startsWith('defer')) {
  await new Promise((resolve) => {
    client.watchQuery({ query: document }).subscribe((result) => {
      say({ state: result.dataState, data: result.data, error: result.error?.message });
      if (!result.loading && result.dataState === 'complete') resolve();
    });
  });
  client.stop();
} else {
  for (let round = 0; round < 2; round += 1) {
    const asked = { fetchPolicy: 'network-only', errorPolicy: 'all' };
    const mutates = document.definitions[0].operation === 'mutation';
    const result = mutates
      ? await client.mutate({ mutation: document, errorPolicy: 'all' })
      : await client.query({ query: document, ...asked });
    const codes = result.error?.errors?.map((error) => error.extensions.code);
    say({ data: result.data, codes, sent: sent.splice(0) });
  }
  client.stop();
}
