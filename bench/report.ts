/** How often is a model right on Motion-10, and does it look at time? Fresh clips as real files, then the same frames reversed and one frame repeated.
 * node bench/report.ts [--model DIR] [--count 2000] [--seed report] [--labels FILE.jsonl] [--json] */
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { boxModel, load } from '../src/generate/index.ts';
import type { Motion10Result } from '../src/tasks/index.ts';
import { askClips } from './motion10/ask.ts';
import { labelledClips, renderedClips } from './motion10/clips.ts';

const { values } = parseArgs({ options: { model: { type: 'string', default: boxModel }, count: { type: 'string', default: '2000' }, seed: { type: 'string', default: 'report' }, labels: { type: 'string' }, json: { type: 'boolean' } } });
const count = Number(values.count);
await using model = await load(values.model);
const clips = values.labels === undefined ? await renderedClips(join(tmpdir(), 'stave-report', `${values.seed}-${count}`), { count, seed: values.seed, onClip: ({ done, rendered }) => rendered && done % 100 === 0 && process.stderr.write(`${done}/${count} clips rendered\n`) }) : await labelledClips(values.labels);

let asked = 0;
const results = await askClips(model, clips, {
  onClip: ({ done, total, right }) => {
    asked = done;
    if (process.stderr.isTTY || done % 50 === 0) process.stderr.write(`${process.stderr.isTTY ? '\r' : ''}${done}/${total} clips, ${(100 * right).toFixed(1)} % right${process.stderr.isTTY ? '' : '\n'}`);
  },
});
console.log(values.json ? JSON.stringify(results) : markdown(results));

function markdown({ fresh, reversed, repeated }: typeof results): string {
  return [
    `${asked} clips, ${cpus()[0].model}, Node ${process.version}, \`node bench/report.ts ${process.argv.slice(2).join(' ')}\``, '',
    '| asked about | right | questions |', '|---|---|---|',
    ...Object.entries(fresh.kinds).map(([kind, result]) => `| ${kind} | ${percent(result)} |`), '',
    '| action | right | clips |', '|---|---|---|',
    ...Object.entries(fresh.actions).map(([action, result]) => `| ${action} | ${percent(result)} |`), '',
    '| the same clips with | the action itself | the opposite action | clips |', '|---|---|---|---|',
    ...[['frames in order', { ...fresh, overall: fresh.kinds.action ?? fresh.overall }] as const, ['frames reversed', reversed] as const, ['one frame repeated', repeated] as const].map(
      ([name, r]: readonly [string, Motion10Result]) => `| ${name} | ${(100 * r.overall.accuracy).toFixed(1)} % | ${(100 * r.opposites.accuracy).toFixed(1)} % | ${r.overall.total} |`,
    ),
  ].join('\n');
}

function percent({ accuracy, total }: { accuracy: number; total: number }): string {
  return `${(100 * accuracy).toFixed(1)} % | ${total}`;
}
