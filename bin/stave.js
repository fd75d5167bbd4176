#!/usr/bin/env node
// In a checkout the TypeScript source runs as it stands; the npm package ships only dist/.
import { existsSync } from 'node:fs';

const source = new URL('../src/cli/bin.ts', import.meta.url);
await import(existsSync(source) ? source.href : new URL('../dist/cli/bin.js', import.meta.url).href);
