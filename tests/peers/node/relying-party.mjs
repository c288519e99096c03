// A downstream application that we did not write: npm openid-client (OpenID certified), and npm jose for a resource
// server. Commands, one JSON object a line (answers: {"ok":true,...} or {"ok":false,"error",...}):
//   {"cmd":"make_key","alg"}             makes a key pair for auth private_key_jwt -> jwk, the public one
//   {"cmd":"discover","issuer","client_id","client_secret"?,"auth":"basic|post|none|private_key_jwt","id_token_alg"?}
//   {"cmd":"dpop","alg"?}                all that follows is bound to a new key (DPoP), without alg to none -> jkt
//   {"cmd":"authorize_url","redirect_uri","scope","push"?, ...more parameters}   -> url, state, nonce; keeps the PKCE
//                                        verifier; with push:true the request is pushed (PAR)
//   {"cmd":"callback","url","body"?}     redeems; `body` is the form of response_mode=form_post -> claims, tokens
//   {"cmd":"refresh","refresh_token"?}   the last refresh token unless given -> claims, tokens
//   {"cmd":"userinfo"}                   with the last access token -> claims
//   {"cmd":"client_credentials","params":{...}}                          -> tokens
//   {"cmd":"device_authorization","params":{...}}                        -> response, which is remembered
//   {"cmd":"device_poll"}                polls as that answer says until there are tokens -> claims, tokens
//   {"cmd":"verify_access_token","token"?,"audience","alg","typ"?}       typ is at+jwt unless given -> header, claims
//                                        with watched:true by one JWKS cache that is kept for all of them
//   {"cmd":"introspect","token"}, {"cmd":"revoke","token"}, {"cmd":"end_session_url", ...parameters}
import { serve, stdinLines } from './jsonl.mjs';

const oidc = await import('openid-client');
const jose = await import('jose');

let config;
let pending; // the checks of the last authorize_url
let tokens; // the last token response
let device; // the last device authorization response
let key; // the last made
let watched; // a JWKS cache that is kept
let bound = {}; // the DPoP handle, where one is used

const authentication = {
  basic: (secret) => oidc.ClientSecretBasic(secret),
  post: (secret) => oidc.ClientSecretPost(secret),
  none: () => oidc.None(),
  private_key_jwt: () => oidc.PrivateKeyJwt(key),
};

const remember = (response) => {
  // A refresh need not repeat the refresh token or the ID token (RFC 6749 §6).
  tokens = { ...tokens, ...response };
  return { claims: response.claims?.(), tokens: { ...response } };
};

await serve(stdinLines(), {
  discover: async ({ issuer, client_id, client_secret, auth = 'basic', id_token_alg }) => {
    if (!Object.hasOwn(authentication, auth)) throw new Error(`auth is basic, post, none or private_key_jwt, not ${auth}`);
    const metadata = { client_secret, ...(id_token_alg && { id_token_signed_response_alg: id_token_alg }) };
    config = await oidc.discovery(new URL(issuer), client_id, metadata, authentication[auth](client_secret), {
      // http on localhost; and the ID token's signature is checked, which openid-client leaves to TLS by default.
      execute: [oidc.allowInsecureRequests, oidc.enableNonRepudiationChecks],
      // A connection kept for later may be closed just when it is used again, on a busy machine.
      [oidc.customFetch]: (url, options) => {
        const headers = new Headers(options.headers);
        headers.set('connection', 'close');
        return fetch(url, { ...options, headers });
      },
    });
    pending = tokens = undefined;
    bound = {};
    return { metadata: config.serverMetadata() };
  },

  make_key: async ({ alg }) => {
    const { publicKey, privateKey } = await jose.generateKeyPair(alg);
    key = { key: privateKey, kid: `made for ${alg}` };
    return { jwk: { ...await jose.exportJWK(publicKey), alg, kid: key.kid, use: 'sig' } };
  },

  dpop: async ({ alg }) => {
    bound = {};
    if (!alg) return {};
    const pair = await oidc.randomDPoPKeyPair(alg);
    bound = { DPoP: oidc.getDPoPHandle(config, pair) };
    return { jkt: await jose.calculateJwkThumbprint(await jose.exportJWK(pair.publicKey)) };
  },

  authorize_url: async ({ redirect_uri, push, ...parameters }) => {
    const pkceCodeVerifier = oidc.randomPKCECodeVerifier();
    const expectedState = oidc.randomState();
    const expectedNonce = oidc.randomNonce();
    const build = push ? oidc.buildAuthorizationUrlWithPAR : oidc.buildAuthorizationUrl;
    const url = await build(config, {
      redirect_uri,
      code_challenge: await oidc.calculatePKCECodeChallenge(pkceCodeVerifier),
      code_challenge_method: 'S256',
      state: expectedState,
      nonce: expectedNonce,
      ...Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name, String(value)])),
    }, ...(push ? [bound] : []));
    pending = { pkceCodeVerifier, expectedState, expectedNonce, ...(parameters.max_age !== undefined && { maxAge: Number(parameters.max_age) }) };
    return { url: url.href, state: expectedState, nonce: expectedNonce };
  },

  callback: async ({ url, body }) => {
    const response = body === undefined
      ? new URL(url)
      : new Request(url, { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' }, body });
    // Checks state, iss (RFC 9207), then the ID token: signature by the JWKS, alg, iss, aud, exp, nonce.
    return remember(await oidc.authorizationCodeGrant(config, response, { ...pending, idTokenExpected: true }, undefined, bound));
  },

  refresh: async ({ refresh_token = tokens?.refresh_token, ...parameters }) =>
    remember(await oidc.refreshTokenGrant(config, refresh_token, parameters, bound)),

  userinfo: async ({ access_token = tokens.access_token, sub = oidc.skipSubjectCheck }) =>
    ({ claims: await oidc.fetchUserInfo(config, access_token, sub, bound) }),

  client_credentials: async ({ params = {} }) => {
    tokens = undefined;
    return remember(await oidc.clientCredentialsGrant(config, params, bound));
  },

  device_authorization: async ({ params = {} }) => {
    tokens = undefined;
    device = await oidc.initiateDeviceAuthorization(config, params);
    return { response: { ...device } };
  },

  device_poll: async () => remember(await oidc.pollDeviceAuthorizationGrant(config, device, undefined, bound)),

  verify_access_token: async ({ token = tokens.access_token, audience, alg, typ = 'at+jwt', watched: keep }) => {
    const { issuer, jwks_uri } = config.serverMetadata();
    const fresh = () => jose.createRemoteJWKSet(new URL(jwks_uri));
    const keys = keep ? (watched ??= fresh()) : fresh();
    const { payload, protectedHeader } = await jose.jwtVerify(token, keys, {
      issuer, audience, algorithms: [alg], typ, requiredClaims: ['exp', 'iat', 'sub', 'jti', 'client_id'],
    });
    return { header: protectedHeader, claims: payload };
  },

  introspect: async ({ token }) => ({ response: await oidc.tokenIntrospection(config, token) }),
  revoke: async ({ token }) => { await oidc.tokenRevocation(config, token); return {}; },
  end_session_url: async (parameters) => ({ url: oidc.buildEndSessionUrl(config, parameters).href }),
});
