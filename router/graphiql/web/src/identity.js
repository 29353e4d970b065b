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
  write({ verifier, state, nonce, search: location.search });
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

const claimsOf = (token) =>
  JSON.parse(
    new TextDecoder().decode(
      Uint8Array.from(atob(token.split('.')[1].replace(/-/g, '+').replace(/_/g, '/')), (character) =>
        character.charCodeAt(0),
      ),
    ),
  );

async function exchange(identity, query, kept) {
  if (query.has('error')) throw new Error(query.get('error_description') ?? query.get('error'));
  if (!kept?.verifier || query.get('state') !== kept.state) {
    throw new Error('the answer belongs to another sign-in.');
  }
  const provider = await discover(identity);
  if (query.has('iss') && query.get('iss') !== provider.issuer) {
    throw new Error('the answer comes from another identity provider.');
  }
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
  if (!answer.ok) throw new Error('the identity provider did not accept the code.');
  const tokens = await answer.json();
  if (tokens.id_token && claimsOf(tokens.id_token).nonce !== kept.nonce) {
    throw new Error('the token was made for another sign-in.');
  }
  const claims = claimsOf(tokens.access_token);
  return {
    token: tokens.access_token,
    name: claims.name ?? claims.sub,
    roles: claims.roles ?? [],
    expires: claims.exp * 1000,
  };
}

// Returns {session, problem}: the session {token, name, roles, expires} or null, and why a sign-in
// that was under way failed.
export async function finishSignIn(identity) {
  const query = new URLSearchParams(location.search);
  const kept = read();
  let problem = null;
  if (query.has('code') || query.has('error')) {
    history.replaceState(null, '', location.pathname + (kept?.search ?? ''));
    try {
      write(await exchange(identity, query, kept));
    } catch (error) {
      write(null);
      problem = `Signing in failed: ${error.message}`;
    }
  }
  const session = read();
  return { session: session?.token && session.expires > Date.now() ? session : null, problem };
}
