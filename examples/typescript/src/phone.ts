// The patient's phone, with urql: saved operations by id, no query text goes over the network.
import { Client, fetchExchange } from '@urql/core';
import { persistedExchange } from '@urql/exchange-persisted';
import { HomeDocument, type HomeQuery } from '@clients/mobile/graphql.js';

export async function home(base: string, token: string): Promise<HomeQuery['home']> {
  const client = new Client({
    url: `${base}/mobile/graphql`,
    preferGetMethod: false,
    fetchOptions: { headers: { authorization: `Bearer ${token}` } },
    exchanges: [
      persistedExchange({
        enforcePersistedQueries: true,
        // A generated document knows the id that it has in the manifest.
        generateHash: async (_text, document) =>
          (document as unknown as { __meta__: { hash: string } }).__meta__.hash,
      }),
      fetchExchange,
    ],
  });
  const { data, error } = await client.query(HomeDocument, {}).toPromise();
  if (!data) throw error ?? new Error('the answer is empty');
  return data.home;
}
