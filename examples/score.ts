/** How good is a model on clips that it has never seen? Draws some and counts.
 * npx node examples/score.ts [clips] [seed] [model directory] */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { load, renderSet, score, type Motion10Record } from '../src/index.ts';

const [count = '10', seed = 'example', dir] = process.argv.slice(2);
const folder = await mkdtemp(join(tmpdir(), 'stave-clips-'));
try {
  const { labels } = await renderSet(folder, { count: Number(count), seed });
  const records = (await readFile(labels, 'utf8')).trim().split('\n').map((line) => JSON.parse(line) as Motion10Record);
  await using model = await load(dir);
  const answers = [];
  for (const record of records) answers.push({ record, answer: (await model.ask(join(folder, record.video), record.question, { max_new_tokens: 32 }).result()).text });
  const { overall, kinds } = score(answers);
  for (const [kind, { right, total }] of Object.entries(kinds)) console.log(`${kind.padEnd(10)}${right}/${total}`);
  console.log(`${(100 * overall.accuracy).toFixed(1)} % of ${overall.total} answers right`);
} finally {
  await rm(folder, { recursive: true });
}
