// An upstream identity provider that we did not write: npm oidc-provider (OpenID certified), with the quirks it has.
//
// Configuration, one JSON object, as argv[2] or as the first line of stdin:
//   port     TCP port on 127.0.0.1; 0 (the default) takes a free one. The issuer is http://localhost:PORT.
//   clients  oidc-provider client metadata as is (OpenID Connect Dynamic Client Registration's names)
//   users    { login: { email, name, groups, ...any claims } }; the login is the sub, any password is right.
//            Absent: every login exists and gets made-up claims.
//   pkce_required  default true
// Prints {"ready":true,"issuer":...} once it answers. Afterwards stdin takes commands:
//   {"cmd":"rotate_keys"}  fresh signing keys, the old ones gone from the JWKS; sessions, codes and grants stay
//   {"cmd":"forget_clients"}  what it has cached of its clients' JWKS grows old at once; everything else stays
//   {"cmd":"invite"}       an initial access token (RFC 7591) whose clients get another secret with each update (RFC 7592)
//   {"cmd":"log"}          the back-channel requests seen so far: [{method, path, authorization_scheme}]
// It exits when stdin closes.
import http from 'node:http';
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { say, serve, stdinLines } from './jsonl.mjs';

const { Provider } = await import('oidc-provider');
const { createMemoryAdapter } = await import('oidc-provider/lib/adapters/memory_adapter.js');

const lines = stdinLines();
const config = JSON.parse(process.argv[2] ?? (await lines.next()).value ?? '{}');

const server = http.createServer();
await new Promise((resolve, reject) => {
  server.once('error', reject);
  server.listen(config.port ?? 0, '127.0.0.1', resolve);
});
const issuer = `http://localhost:${server.address().port}`;

const seen = [];
// Sessions, codes and grants outlive a Provider: a new one on the same server and store is the same with other keys.
const adapter = createMemoryAdapter();
let keys = signingKeys();
let made = provider();
let answer = made.callback();
server.on('request', (request, response) => {
  const { pathname } = new URL(request.url, issuer);
  if (/^\/(token|me|jwks|\.well-known)/.test(pathname)) {
    seen.push({ method: request.method, path: pathname, authorization_scheme: request.headers.authorization?.split(' ')[0] });
  }
  answer(request, response);
});

say({ ready: true, issuer });
await serve(lines, {
  rotate_keys: () => {
    keys = signingKeys();
    made = provider();
    answer = made.callback();
    return {};
  },
  forget_clients: () => {
    made = provider();
    answer = made.callback();
    return {};
  },
  invite: async () => ({ token: await new made.InitialAccessToken({ policies: ['renew'] }).save() }),
  log: () => ({ requests: seen }),
});

function provider() {
  const fresh = new Provider(issuer, {
    adapter,
    jwks: { keys },
    clients: config.clients ?? [],
    cookies: { keys: ['only-for-tests'] },
    pkce: { required: () => config.pkce_required ?? true },
    // Scope claims also in the ID token, as most commercial providers do.
    conformIdTokenClaims: false,
    scopes: ['openid', 'offline_access', 'email', 'profile', 'groups'],
    claims: {
      openid: ['sub'],
      email: ['email', 'email_verified'],
      profile: ['name', 'given_name', 'family_name', 'preferred_username'],
      groups: ['groups'],
    },
    findAccount: (_ctx, login) => account(login),
    // The library's own dispatcher refuses loopback addresses, where a client's jwks_uri lives in a test.
    fetch: (url, { dispatcher: _, ...options } = {}) => globalThis.fetch(url, options),
    ttl: { Session: 3600, Interaction: 600, Grant: 3600, AccessToken: 3600, IdToken: 3600, RefreshToken: 3600, AuthorizationCode: 60, ClientCredentials: 600 },
    features: {
      devInteractions: { enabled: true },
      backchannelLogout: { enabled: true },
      rpInitiatedLogout: { enabled: true },
      clientCredentials: { enabled: true },
      introspection: { enabled: true },
      revocation: { enabled: true },
      // It leaves secrets as they are by itself; whoever runs it may have another rule. Tokens are good for one update.
      registration: {
        enabled: true,
        initialAccessToken: true,
        policies: {
          renew: (ctx, properties) => {
            if (ctx.method === 'PUT') properties.client_secret = randomUUID() + randomUUID();
          },
        },
      },
      registrationManagement: { enabled: true, rotateRegistrationAccessToken: true },
      // RFC 8707: any resource has an API behind it that takes RFC 9068 tokens, signed as the client's ID tokens are.
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_ctx, resource, client) => ({
          audience: resource,
          scope: 'read write',
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: client.idTokenSignedResponseAlg } },
        }),
      },
    },
  });
  for (const event of ['grant.error', 'userinfo.error', 'server_error']) {
    fresh.on(event, (_ctx, error) => console.error(`${event}: ${error.message}: ${error.error_detail ?? error.error_description}`));
  }
  return fresh;
}

function account(login) {
  if (config.users && !Object.hasOwn(config.users, login)) return undefined;
  const madeUp = { email: `${login}@corp.example`, email_verified: true, name: login, preferred_username: login, groups: [] };
  return { accountId: login, claims: async () => ({ ...madeUp, ...config.users?.[login], sub: login }) };
}

// One RSA key without `alg` serves RS256 and PS256.
function signingKeys() {
  return [
    generateKeyPairSync('rsa', { modulusLength: 2048 }),
    generateKeyPairSync('ec', { namedCurve: 'P-256' }),
    generateKeyPairSync('ed25519'),
  ].map(({ privateKey }) => ({ ...privateKey.export({ format: 'jwk' }), use: 'sig', kid: randomUUID() }));
}
