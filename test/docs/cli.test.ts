import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { ask } from '../../src/cli/ask.ts';
import { chat } from '../../src/cli/chat.ts';
import { compare } from '../../src/cli/compare.ts';
import { convert } from '../../src/cli/convert.ts';
import { data } from '../../src/cli/data.ts';
import { decide } from '../../src/cli/decide.ts';
import { demo } from '../../src/cli/demo.ts';
import { doctor } from '../../src/cli/doctor.ts';
import { evaluation } from '../../src/cli/eval.ts';
import { insert } from '../../src/cli/insert.ts';
import { merge } from '../../src/cli/merge.ts';
import { models } from '../../src/cli/models.ts';
import { plan } from '../../src/cli/plan.ts';
import { pull } from '../../src/cli/pull.ts';
import { render } from '../../src/cli/render.ts';
import { report } from '../../src/cli/report.ts';
import { train } from '../../src/cli/train.ts';

const page = readFileSync(new URL('../../docs/cli.md', import.meta.url), 'utf8');

for (const command of [ask, chat, compare, convert, data, decide, demo, doctor, evaluation, insert, merge, models, plan, pull, render, report, train])
  test(`docs/cli.md has every option of stave ${command.name}`, () => {
    const section = page.split(/^## /m).find((text) => text.startsWith(`stave ${command.name}\n`)) ?? assert.fail(`add "## stave ${command.name}"`);
    for (const name of Object.keys(command.options)) assert.match(section, new RegExp(`--${name}(?![\\w-])`), `--${name} is missing`);
  });
