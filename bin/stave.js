#!/usr/bin/env node
// In a checkout the TypeScript source runs as it stands; the npm package ships only dist/.
import { existsSync } from 'node:fs';

const source = new URL('../src/cli/bin.ts', import.meta.url);
const checkout = existsSync(source);
if (checkout && !process.features.typescript) {
  console.error(`error: a checkout of stave does not run on Node ${process.versions.node}\nits source is TypeScript, which Node runs from version 24 on\n→ start it with "npx stave …": that finds the Node that npm ci installed`);
  process.exit(1);
}
await import(checkout ? source.href : new URL('../dist/cli/bin.js', import.meta.url).href);
