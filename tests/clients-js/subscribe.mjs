// One subscription through a foreign client: node subscribe.mjs ws|sse|sse-single|urql|urql-defer URL QUERY
// Prints a line {"subscribed":true} once it waits, one line per event, and {"done":true}.
import WebSocket from 'ws';
import { createClient as createSse } from 'graphql-sse';
import { createClient as createWs } from 'graphql-ws';
import { Client, fetchExchange } from '@urql/core';

const [kind, url, query] = process.argv.slice(2);
const say = (value) => console.log(JSON.stringify(value));
const sink = (close) => ({
  next: (value) => say({ next: value }),
  error: (error) => { say({ error: String(error.message ?? JSON.stringify(error)) }); close(); },
  complete: () => { say({ done: true }); close(); },
});

if (kind === 'ws') {
  const client = createWs({ url, webSocketImpl: WebSocket, lazy: true });
  client.subscribe({ query }, sink(() => client.dispose()));
} else if (kind === 'sse' || kind === 'sse-single') {
  const client = createSse({ url, retryAttempts: 0, singleConnection: kind === 'sse-single' });
  client.subscribe({ query }, sink(() => client.dispose()));
} else {
  const client = new Client({ url, exchanges: [fetchExchange], fetchSubscriptions: true, preferGetMethod: false });
  const { subscribe, onEnd, pipe, takeWhile } = await import('wonka');
  pipe(
    kind === 'urql-defer' ? client.query(query, {}) : client.subscription(query, {}),
    takeWhile((result) => kind === 'urql' || result.hasNext, true),
    onEnd(() => say({ done: true })),
    subscribe((result) => say({ next: { data: result.data, error: result.error?.message } })),
  );
}
say({ subscribed: true });
