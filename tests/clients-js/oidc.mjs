// The certified oidc-provider as an identity provider that issues JWT access tokens (RFC 9068).
// People sign in with any name and password in its own pages (authorization code with PKCE).
// Prints {"issuer":…} once it listens. A line "rotate" on stdin exchanges its signing key,
// "keep" adds one and keeps the old; each is answered with {"kid":…}.
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import { generateKeyPairSync } from 'node:crypto';
import Provider from 'oidc-provider';

const say = (value) => console.log(JSON.stringify(value));
let keys = [];
let current;

const fresh = (alg) => {
  const kind = alg === 'ES256' ? ['ec', { namedCurve: 'P-256' }] : ['rsa', { modulusLength: 2048 }];
  const jwk = generateKeyPairSync(...kind).privateKey.export({ format: 'jwk' });
  return { ...jwk, alg, use: 'sig', kid: `key-${Date.now()}-${keys.length}` };
};
const renew = (alg, keep) => {
  keys = keep ? [fresh(alg), ...keys] : [fresh(alg)];
  current = new Provider(issuer, {
    jwks: { keys },
    clients: [
      {
        client_id: 'ward', client_secret: 'not-a-secret', grant_types: ['client_credentials'],
        redirect_uris: [], response_types: [],
      },
      {
        // a public client; a native one may come back to any port of this machine (RFC 8252)
        client_id: 'graphiql', token_endpoint_auth_method: 'none', application_type: 'native',
        grant_types: ['authorization_code'], response_types: ['code'],
        redirect_uris: ['http://127.0.0.1/'],
      },
    ],
    scopes: ['openid', 'stock:read'],
    cookies: { keys: ['of this test alone'] },
    features: {
      devInteractions: { enabled: true },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => 'https://graph.example',
        useGrantedResource: () => true,
        getResourceServerInfo: (_, resource) => ({
          scope: 'stock:read', audience: resource, accessTokenFormat: 'jwt',
          jwt: { sign: { alg: keys[0].alg, kid: keys[0].kid } },
        }),
      },
    },
    clientBasedCORS: () => true,
    extraTokenClaims: (_, token) => ({
      client: token.kind === 'ClientCredentials' ? 'ward' : undefined, name: token.accountId,
    }),
    ttl: {
      AccessToken: 600, ClientCredentials: 600, Grant: 600, IdToken: 600, Interaction: 600, Session: 600,
    },
  });
  return { kid: keys[0].kid };
};

let issuer;
const server = createServer((request, response) => current.callback()(request, response));
server.listen(0, '127.0.0.1', () => {
  issuer = `http://127.0.0.1:${server.address().port}`;
  renew('RS256', false);
  say({ issuer });
});
const lines = createInterface({ input: process.stdin });
lines.on('line', (line) => say(renew(line === 'keep' ? 'ES256' : 'RS256', line === 'keep')));
lines.on('close', () => process.exit(0));
