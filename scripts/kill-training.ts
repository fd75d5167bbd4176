/** Kills a small training at random points with SIGKILL and resumes it each time, until it is done; then compares with a run that nobody disturbed.
 * node scripts/kill-training.ts [kills] [seed]   exits with 1 when a byte of weights, moments or losses differs */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { random } from '../src/clips/index.ts';
import { list } from '../src/files/write.ts';
import { readMetrics } from '../src/train/index.ts';
import { tinyJson, untimed } from '../test/train/tiny.ts';

export type Outcome = { kills: { /** Last update in metrics.jsonl. */ step: number; /** After the update that was waited for. */ ms: number }[]; same: boolean; differing: string[] };

const root = fileURLToPath(new URL('..', import.meta.url));

/** @param json a recipe without `out`  @param updates that its run does at least: the kills come before  @param work a folder for both runs */
export async function killAndResume(json: Record<string, unknown>, { kills, seed, work, updates = Number(json.steps) }: { kills: number; seed: number; work: string; updates?: number }): Promise<Outcome> {
  const [whole, killed] = ['whole', 'killed'].map((name) => join(work, name));
  const file = join(work, 'recipe.json');
  await writeFile(file, JSON.stringify({ ...json, out: 'nowhere' }));
  await finish(start(file, whole, false));

  const { range } = random(seed, 'kills');
  const done: Outcome['kills'] = [];
  for (let i = 0; i < kills; i++) {
    const child = start(file, killed, await hasCheckpoint(killed));
    const ended = once(child, 'exit') as Promise<[number | null, string | null]>;
    const target = Math.floor(range(0, 0.9) * (updates * (i + 1)) / kills); // anywhere behind: then it is killed as it starts
    while (child.exitCode === null && (await stepOf(killed)) < target) await setTimeout(2);
    const ms = Math.round(range(0, 40)); // into an update, an evaluation or the writing of a checkpoint
    await setTimeout(ms);
    child.kill('SIGKILL');
    const [, signal] = await ended;
    if (signal !== 'SIGKILL') throw new Error(`the run ended before it could be killed: ${child.said()}`);
    done.push({ step: await stepOf(killed), ms });
  }
  await finish(start(file, killed, await hasCheckpoint(killed)));
  const differing: string[] = [];
  const saved = await savedIn(whole);
  if (JSON.stringify(saved) !== JSON.stringify(await savedIn(killed))) differing.push('checkpoints');
  else for (const name of ['model/model.safetensors', ...saved]) if (!(await readFile(join(whole, name))).equals(await readFile(join(killed, name)))) differing.push(name);
  if (JSON.stringify(await untimed(whole)) !== JSON.stringify(await untimed(killed))) differing.push('metrics.jsonl');
  return { kills: done, same: differing.length === 0, differing };
}

function start(file: string, out: string, resume: boolean) {
  const child = spawn(process.execPath, [join(root, 'src/cli/bin.ts'), 'train', file, '--out', out, ...(resume ? ['--resume'] : [])], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (text: Buffer) => (said = (said + text.toString()).slice(-2000)));
  return Object.assign(child, { said: () => said });
}

async function finish(child: ReturnType<typeof start>): Promise<void> {
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`the run ended with ${code}: ${child.said()}`);
}

/** States of the whole checkpoints of a run. */
const savedIn = async (out: string): Promise<string[]> => (await list(join(out, 'checkpoints'))).filter((path) => /step-\d+$/.test(path)).map((path) => join('checkpoints', basename(path), 'state.safetensors')).toSorted();

const hasCheckpoint = async (out: string): Promise<boolean> => (await savedIn(out)).length > 0;

const stepOf = async (out: string): Promise<number> => (await readMetrics(join(out, 'metrics.jsonl'))).at(-1)?.step ?? 0;

/** A model of some thousand weights, a checkpoint every other update, evaluations of which some fall between. */
export const smallRecipe = {
  ...tinyJson,
  model: { ...tinyJson.model, num_hidden_layers: 1, vision_config: { ...tinyJson.model.vision_config, depth: 1 } },
  schedule: undefined,
  steps: 120,
  eval: { every: 5, clips: 2 },
  best: { metric: 'loss' },
};

if (import.meta.main) {
  const [kills = '20', seed = '1'] = process.argv.slice(2);
  const work = await mkdtemp(join(tmpdir(), 'stave-kill-'));
  try {
    const outcome = await killAndResume(smallRecipe, { kills: Number(kills), seed: Number(seed), work });
    for (const { step, ms } of outcome.kills) console.log(`killed at step ${step}, ${ms} ms later`);
    console.log(outcome.same ? `${outcome.kills.length} kills: weights, moments, losses and evaluations are those of an undisturbed run, bit for bit` : `different: ${outcome.differing.join(', ')}`);
    process.exitCode = outcome.same ? 0 : 1;
  } finally {
    await rm(work, { recursive: true });
  }
}
