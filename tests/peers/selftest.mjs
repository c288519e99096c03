// Proves the peers against each other, without Avouch: both relying parties sign alice in at oidc-provider, for each
// signing algorithm. `node tests/peers/selftest.mjs [PYTHON]` after `make peers`; PYTHON is the venv's by default.
import { spawn } from 'node:child_process';
import readline from 'node:readline';
import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const python = process.argv[2] ?? here('../../target/peers/venv/bin/python');
const CALLBACK = 'http://localhost:8082/callback';

function start(command, ...args) {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = readline.createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const hear = async () => JSON.parse((await lines.next()).value);
  const ask = async (message) => {
    child.stdin.write(`${JSON.stringify(message)}\n`);
    return hear();
  };
  const tell = async (message) => {
    const answer = await ask(message);
    assert.ok(answer.ok, `${JSON.stringify(message)}: ${JSON.stringify(answer)}`);
    return answer;
  };
  const stop = () => new Promise((resolve) => { child.once('exit', resolve); child.stdin.end(); });
  return { hear, ask, tell, stop };
}

// A browser without a screen: a cookie jar, and redirects by hand until the application's callback.
async function signIn(url, login) {
  const jar = new Map();
  const visit = async (to, form) => {
    const response = await fetch(to, {
      redirect: 'manual',
      method: form ? 'POST' : 'GET',
      body: form && new URLSearchParams(form),
      headers: { cookie: [...jar].map((pair) => pair.join('=')).join('; ') },
    });
    for (const cookie of response.headers.getSetCookie()) {
      const [name, value] = cookie.split(';')[0].split('=');
      if (value) jar.set(name, value); else jar.delete(name);
    }
    const location = response.headers.get('location');
    return { response, next: location && new URL(location, to).href };
  };
  let { response, next } = await visit(url);
  for (let step = 0; step < 12; step++) {
    if (next?.startsWith(CALLBACK)) return next;
    if (next) { ({ response, next } = await visit(next)); continue; }
    const page = await response.text();
    const action = page.match(/<form[^>]*action="([^"]+)"/)?.[1];
    assert.ok(action, `no form and no redirect at ${response.url}: ${response.status} ${page.slice(0, 300)}`);
    const form = page.includes('name="login"') ? { prompt: 'login', login, password: 'any' } : { prompt: 'consent' };
    ({ response, next } = await visit(new URL(action, response.url).href, form));
  }
  throw new Error('lost in redirects');
}

const client = (id, alg, more = {}) => ({
  client_id: id, client_secret: 'only-for-tests', redirect_uris: [CALLBACK],
  grant_types: ['authorization_code', 'refresh_token', 'client_credentials'], response_types: ['code'],
  id_token_signed_response_alg: alg, ...more,
});
const algorithms = ['RS256', 'PS256', 'ES256', 'EdDSA'];
const clients = [...algorithms.map((alg) => client(alg, alg)), client('post', 'RS256', { token_endpoint_auth_method: 'client_secret_post' })];
const users = { alice: { email: 'alice@corp.example', email_verified: true, name: 'Alice', groups: ['eng', 'admins'] } };

const op = start(process.execPath, here('node/oidc-provider.mjs'), JSON.stringify({ clients, users }));
const { ready, issuer } = await op.hear();
assert.ok(ready);
let passed = 0;

for (const [name, ...command] of [
  ['openid-client', process.execPath, here('node/relying-party.mjs')],
  ['authlib', python, here('python/authlib_rp.py')],
]) {
  for (const { client_id, token_endpoint_auth_method, id_token_signed_response_alg: id_token_alg } of clients) {
    const rp = start(...command);
    const auth = token_endpoint_auth_method ? 'post' : 'basic';
    await rp.tell({ cmd: 'discover', issuer, client_id, client_secret: 'only-for-tests', auth, id_token_alg });
    const { url } = await rp.tell({ cmd: 'authorize_url', redirect_uri: CALLBACK, scope: 'openid email profile groups offline_access', prompt: 'consent', max_age: 600 });
    const callback = await signIn(url, 'alice');

    const forged = new URL(callback);
    forged.searchParams.set('iss', 'http://localhost:1');
    assert.equal((await rp.ask({ cmd: 'callback', url: forged.href })).ok, false, 'RFC 9207: an answer of another issuer');

    const { claims, tokens } = await rp.tell({ cmd: 'callback', url: callback });
    assert.deepEqual([claims.sub, claims.name, claims.groups], ['alice', 'Alice', ['eng', 'admins']]);
    const refreshed = await rp.tell({ cmd: 'refresh' });
    assert.notEqual(refreshed.tokens.access_token, tokens.access_token);
    assert.equal((await rp.tell({ cmd: 'userinfo' })).claims.email, 'alice@corp.example');
    assert.equal((await rp.ask({ cmd: 'callback', url: callback })).ok, false, 'a code is redeemed once');

    const api = 'https://api.example';
    await rp.tell({ cmd: 'client_credentials', params: { resource: api, scope: 'read' } });
    const verified = await rp.tell({ cmd: 'verify_access_token', audience: api, alg: id_token_alg });
    assert.deepEqual([verified.header.alg, verified.claims.scope], [id_token_alg, 'read']);
    for (const wrong of [{ audience: 'https://other.example' }, { alg: id_token_alg === 'ES256' ? 'RS256' : 'ES256' }, { typ: 'JWT' }]) {
      assert.equal((await rp.ask({ cmd: 'verify_access_token', audience: api, alg: id_token_alg, ...wrong })).ok, false, JSON.stringify(wrong));
    }
    await rp.stop();
    console.log(`ok ${name} ${client_id} (${auth}, ID token ${id_token_alg})`);
    passed++;
  }
}

const rp = start(process.execPath, here('node/relying-party.mjs'));
await rp.tell({ cmd: 'discover', issuer, client_id: 'RS256', client_secret: 'only-for-tests' });
const { url } = await rp.tell({ cmd: 'authorize_url', redirect_uri: CALLBACK, scope: 'openid' });
const underWay = await signIn(url, 'alice');
const before = await (await fetch(`${issuer}/jwks`)).json();
await op.tell({ cmd: 'rotate_keys' });
await rp.tell({ cmd: 'callback', url: underWay });
await rp.stop();
const after = await (await fetch(`${issuer}/jwks`)).json();
assert.equal(after.keys.length, 3);
assert.ok(after.keys.every(({ kid }) => before.keys.every((old) => old.kid !== kid)));
assert.ok((await op.tell({ cmd: 'log' })).requests.some(({ path }) => path === '/token'));
console.log('ok oidc-provider rotates its keys while people sign in');
await op.stop();
console.log(`${passed + 1} passed, 0 failed`);
