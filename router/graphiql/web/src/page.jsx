// The page: a bar (who, which client, which saved operation) above GraphiQL.
import { useEffect, useMemo, useState } from 'react';
import { GraphiQL, HISTORY_PLUGIN } from 'graphiql';
import { explorerPlugin } from '@graphiql/plugin-explorer';
import { createGraphiQLFetcher } from '@graphiql/toolkit';
import { createClient } from 'graphql-ws';
import { signIn, signOut } from './identity.js';
import { byKind, pretty, variablesOf } from './operations.js';
import { tabStorage } from './storage.js';

const explorer = explorerPlugin();

export function Page({ config, initialSession, problem }) {
  const [session, setSession] = useState(initialSession);
  const [notice, setNotice] = useState(problem);
  const [name, setName] = useState(
    new URLSearchParams(location.search).get('client') ?? config.clients[0].name,
  );
  const client = config.clients.find((each) => each.name === name) ?? config.clients[0];
  const [operation, setOperation] = useState(() => linked(client));

  const choose = (next) => {
    const query = new URLSearchParams({ client: next });
    history.replaceState(null, '', `${location.pathname}?${query}`);
    setOperation(null);
    setName(next);
  };

  const leave = (why) => {
    signOut();
    setSession(null);
    setNotice(why ?? null);
  };
  useEffect(() => {
    if (!session) return undefined;
    // the longest time that a timer takes is 2^31 ms
    const left = Math.min(session.expires - Date.now(), 2 ** 31 - 1);
    const timer = setTimeout(() => leave('Your sign-in has expired. Sign in again.'), left);
    return () => clearTimeout(timer);
  }, [session]);
  const enter = () =>
    signIn(config.identity).catch((error) => setNotice(`Signing in failed: ${error.message}`));

  return (
    <>
      <header className="bar">
        <svg className="bar-mark" viewBox="0 0 32 32" aria-hidden="true">
          <rect width="32" height="32" rx="8" />
          <path d="M16 8v16M8 16h16" />
        </svg>
        <strong className="bar-title">{config.title}</strong>
        <label>
          Client
          <select aria-label="Client" value={client.name} onChange={(e) => choose(e.target.value)}>
            {config.clients.map((each) => (
              <option key={each.name} value={each.name}>{each.label}</option>
            ))}
          </select>
        </label>
        <Operations client={client} chosen={operation} choose={setOperation} />
        {!client.introspects && (
          <span className="bar-note" title="This client runs its saved operations; its schema is not shown.">
            saved operations only
          </span>
        )}
        <span className="bar-space" />
        <Who identity={config.identity} session={session} enter={enter} leave={() => leave()} />
      </header>
      {notice && (
        <p className="notice" role="alert">
          {notice}
          <button aria-label="Dismiss" onClick={() => setNotice(null)}>×</button>
        </p>
      )}
      <Editor
        key={`${client.name} ${operation?.id ?? ''} ${session?.token.slice(-8) ?? ''}`}
        client={client}
        operation={operation}
        session={session}
        welcome={config.welcome}
      />
    </>
  );
}

// The saved operation that a link names, with the variables that it gives.
function linked(client) {
  const query = new URLSearchParams(location.search);
  const found = client.operations.find((each) => each.name === query.get('operation'));
  return found ? { ...found, variables: pretty(query.get('variables')) } : null;
}

function Operations({ client, chosen, choose }) {
  if (client.operations.length === 0) return null;
  return (
    <label>
      Saved operation
      <select
        aria-label="Saved operation"
        value={chosen?.id ?? ''}
        onChange={(e) => choose(client.operations.find((each) => each.id === e.target.value) ?? null)}
      >
        <option value="">Choose…</option>
        {byKind(client.operations).map(([kind, operations]) => (
          <optgroup key={kind} label={kind}>
            {operations.map((each) => (
              <option key={each.id} value={each.id}>{each.name}</option>
            ))}
          </optgroup>
        ))}
      </select>
    </label>
  );
}

function Who({ identity, session, enter, leave }) {
  if (!identity) return null;
  if (!session) {
    return <button className="bar-button" onClick={enter}>Sign in</button>;
  }
  return (
    <>
      <span className="bar-who">
        {session.name}
        <em>{session.roles.join(', ').replaceAll('_', ' ')}</em>
      </span>
      <button className="bar-button" onClick={leave}>Sign out</button>
    </>
  );
}

function Editor({ client, operation, session, welcome }) {
  const fetcher = useMemo(() => {
    const headers = session ? { authorization: `Bearer ${session.token}` } : {};
    const url = new URL(client.url, location.href);
    const socket = new URL(client.url, location.href);
    socket.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    return createGraphiQLFetcher({
      url: url.href,
      headers,
      wsClient: createClient({ url: socket.href, connectionParams: headers, lazy: true }),
    });
  }, [client, session]);

  const storage = useMemo(() => tabStorage(client.name), [client]);
  const saved = operation
    ? {
        initialQuery: operation.body,
        initialVariables: operation.variables ?? variablesOf(operation.body),
      }
    : {};
  // A client that takes saved operations only starts with one of them, and has no schema to show.
  const schema = client.introspects ? {} : { schema: null };
  const first = client.introspects ? welcome : (client.operations[0]?.body ?? welcome);
  return (
    <div className="editor">
      <GraphiQL
        fetcher={fetcher}
        plugins={[HISTORY_PLUGIN, explorer]}
        defaultEditorToolsVisibility="variables"
        defaultQuery={client.welcome ?? first}
        shouldPersistHeaders={false}
        storage={storage}
        {...schema}
        {...saved}
      />
    </div>
  );
}
