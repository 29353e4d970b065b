// The doctor's workplace, with Apollo Client: a query over HTTP, a subscription over WebSocket.
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache } from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { QueueChangedDocument, type QueueChangedSubscription } from '@clients/tablet/graphql.js';
import { FindPatientDocument, type FindPatientQuery } from '@clients/web/graphql.js';

type Found = FindPatientQuery['searchPatients']['edges'][number]['node']['patient'];
type Change = QueueChangedSubscription['queueChanged'];

function client(link: ApolloLink): ApolloClient {
  return new ApolloClient({ link, cache: new InMemoryCache() });
}

export async function findPatients(base: string, token: string, text: string): Promise<Found[]> {
  const link = new HttpLink({
    uri: `${base}/web/graphql`,
    headers: { authorization: `Bearer ${token}` },
  });
  const { data } = await client(link).query({ query: FindPatientDocument, variables: { text } });
  return (data?.searchPatients.edges ?? []).map((edge) => edge.node.patient);
}

// Calls `seen` for each change of the queue until it returns true.
export async function watchQueue(
  base: string,
  token: string,
  seen: (change: Change) => boolean,
): Promise<void> {
  const socket = createClient({
    url: `${base.replace('http', 'ws')}/tablet/graphql`,
    webSocketImpl: WebSocket, // browsers have one of their own, and so has Node from 22 on
    connectionParams: { authorization: `Bearer ${token}` },
  });
  const changes = client(new GraphQLWsLink(socket)).subscribe({ query: QueueChangedDocument });
  await new Promise<void>((resolve, reject) => {
    const watching = changes.subscribe({
      next: ({ data, error }) => {
        if (error) reject(error);
        else if (data && seen(data.queueChanged as Change)) resolve(watching.unsubscribe());
      },
      error: reject,
      complete: () => reject(new Error('the server ended the subscription')),
    });
  });
  await socket.dispose();
}
