// Runs the server audits of graphql-http, the reference suite of the GraphQL over HTTP
// specification, against a running server:
//
//   node audit.mjs URL [TOKEN]        the token may stand in LICENSEGRAPH_TOKEN instead
//
// Exits 0 only if every audit passes, the optional ones included, and all of them ran.
import { serverAudits } from 'graphql-http';

// graphql-http 1.23.1 has this many; fewer would mean that something was left out.
const EXPECTED = 61;

const [url, token = process.env.LICENSEGRAPH_TOKEN] = process.argv.slice(2);
if (!url || !token) {
  console.error('usage: node audit.mjs URL [TOKEN]');
  process.exit(2);
}

const fetchFn = (input, init = {}) =>
  fetch(input, { ...init, headers: { ...init.headers, authorization: `Bearer ${token}` } });

let passed = 0;
const audits = serverAudits({ url, fetchFn });
for (const audit of audits) {
  let result;
  try {
    result = await audit.fn();
  } catch (err) {
    console.error(`the server at ${url} cannot be audited: ${err.cause?.message ?? err.message}`);
    process.exit(1);
  }
  if (result.status === 'ok') {
    passed += 1;
  } else {
    console.error(`FAILED ${result.id} ${result.name}\n       ${result.reason}`);
  }
}
console.log(`${passed} of ${audits.length} audits passed`);
if (audits.length !== EXPECTED) {
  console.error(`expected ${EXPECTED} audits`);
}
process.exit(passed === EXPECTED && audits.length === EXPECTED ? 0 : 1);
