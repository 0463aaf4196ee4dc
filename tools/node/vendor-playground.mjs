// Copies the files of the playground from node_modules to internal/server/playground/assets,
// where the server embeds them. To refresh them: change the versions in package.json, then
//
//   npm install && npm run vendor-playground
//
// and commit what changed. The files are the packages' own, except that the pointer to the
// source map, which is not served, is taken off. THIRD-PARTY.txt gathers the licence texts of
// the packages that GraphiQL's bundle consists of, as its source map tells.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const modules = join(here, 'node_modules');
const target = join(here, '../../internal/server/playground/assets');

const files = {
  'graphiql.min.js': 'graphiql/graphiql.min.js',
  'graphiql.min.css': 'graphiql/graphiql.min.css',
  'react.production.min.js': 'react/umd/react.production.min.js',
  'react-dom.production.min.js': 'react-dom/umd/react-dom.production.min.js',
  'LICENSE-graphiql.txt': 'graphiql/LICENSE',
  'LICENSE-react.txt': 'react/LICENSE',
  'LICENSE-react-dom.txt': 'react-dom/LICENSE',
};

// Packages of GraphiQL's own repository carry its licence; their sources stand in the map
// without node_modules. React is not in the bundle, only what loads it.
const elsewhere = new Set(['react', 'react-dom']);

await mkdir(target, { recursive: true });
const sums = [];
for (const [name, source] of Object.entries(files)) {
  const text = (await readFile(join(modules, source), 'utf8')).replace(/\n\/\/# sourceMappingURL=.*\s*$/, '\n');
  await writeFile(join(target, name), text);
  sums.push(`${createHash('sha256').update(text).digest('hex')}  ${name}`);
}
await writeFile(join(target, 'SHA256SUMS.txt'), sums.join('\n') + '\n');
await writeFile(join(target, 'THIRD-PARTY.txt'), await thirdParty());

async function thirdParty() {
  const map = JSON.parse(await readFile(join(modules, 'graphiql/graphiql.min.js.map'), 'utf8'));
  const parts = ['The bundle graphiql.min.js contains code of these packages, graphiql.min.css these fonts.\n'];
  for (const name of packagesOf(map.sources)) {
    const { title, text } = await licence(name);
    parts.push(section(title, text));
  }
  const fira = await readFile(join(modules, '@fontsource/fira-code/LICENSE'), 'utf8');
  parts.push(section('Font Fira Code, Copyright 2014-2020 The Fira Code Project Authors, OFL-1.1', fira));
  parts.push(section('Font Roboto, Copyright Google LLC, Apache-2.0', 'The licence text stands above at @react-aria/focus.'));
  return parts.join('\n');
}

function section(title, text) {
  return `${'='.repeat(80)}\n${title}\n\n${text.trim()}\n`;
}

function packagesOf(sources) {
  const names = new Set();
  for (const source of sources) {
    const [, inside] = source.split(/.*node_modules\//);
    if (!inside) continue;
    const [first, second] = inside.split('/');
    names.add(first.startsWith('@') ? `${first}/${second}` : first);
  }
  return [...names].filter((n) => !elsewhere.has(n)).sort();
}

// A package that GraphiQL was built with may have been merged into another one since; the
// packages of a scope share their licence.
async function licence(name) {
  const dir = existsSync(join(modules, name)) ? join(modules, name) : await sibling(name);
  const { license } = JSON.parse(await readFile(join(dir, 'package.json'), 'utf8'));
  const file = (await readdir(dir)).find((f) => /^licen[cs]e/i.test(f));
  const text = file ? await readFile(join(dir, file), 'utf8') : `The package holds no licence text; it declares ${license}.`;
  return { title: `${name}, ${license}`, text };
}

async function sibling(name) {
  const [scope] = name.split('/');
  const [first] = name.startsWith('@') ? await readdir(join(modules, scope)).catch(() => []) : [];
  if (!first) throw new Error(`${name} is in the bundle but not installed: its licence cannot be copied`);
  return join(modules, scope, first);
}
