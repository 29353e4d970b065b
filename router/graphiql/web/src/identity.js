// OpenID Connect in the browser: authorization code with PKCE, tokens in this tab only.
const KEY = 'graphiql.identity';

const base64url = (bytes) =>
  btoa(String.fromCharCode(...new Uint8Array(bytes)))
    .replace(/\+/g, '-')
    .replace(/\//g, '_')
    .replace(/=+$/, '');

const random = () => base64url(crypto.getRandomValues(new Uint8Array(32)));
const redirectUri = () => location.origin + location.pathname;

const read = () => JSON.parse(sessionStorage.getItem(KEY) ?? 'null');
const write = (value) =>
  value ? sessionStorage.setItem(KEY, JSON.stringify(value)) : sessionStorage.removeItem(KEY);

async function discover(identity) {
  const answer = await fetch(`${identity.issuer}/.well-known/openid-configuration`);
  if (!answer.ok) throw new Error('The identity provider cannot be reached.');
  return answer.json();
}

export async function signIn(identity) {
  const [provider, verifier, state, nonce] = [await discover(identity), random(), random(), random()];
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier));
  write({ verifier, state, search: location.search });
  const query = new URLSearchParams({
    response_type: 'code',
    client_id: identity.clientId,
    redirect_uri: redirectUri(),
    scope: identity.scope,
    state,
    nonce,
    code_challenge: base64url(digest),
    code_challenge_method: 'S256',
  });
  location.assign(`${provider.authorization_endpoint}?${query}`);
}

export function signOut() {
  write(null);
}

// Returns the session {token, name, roles, expires}, or null when nobody is signed in.
export async function finishSignIn(identity) {
  const query = new URLSearchParams(location.search);
  const kept = read();
  if (query.has('code') && kept?.verifier && query.get('state') === kept.state) {
    const provider = await discover(identity);
    const answer = await fetch(provider.token_endpoint, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'authorization_code',
        client_id: identity.clientId,
        redirect_uri: redirectUri(),
        code: query.get('code'),
        code_verifier: kept.verifier,
      }),
    });
    history.replaceState(null, '', location.pathname + kept.search);
    if (!answer.ok) return write(null), null;
    const tokens = await answer.json();
    const claims = JSON.parse(
      new TextDecoder().decode(
        Uint8Array.from(
          atob(tokens.access_token.split('.')[1].replace(/-/g, '+').replace(/_/g, '/')),
          (character) => character.charCodeAt(0),
        ),
      ),
    );
    write({
      token: tokens.access_token,
      name: claims.name ?? claims.sub,
      roles: claims.roles ?? [],
      expires: claims.exp * 1000,
    });
  }
  const session = read();
  return session?.token && session.expires > Date.now() ? session : null;
}
