/** Makes the clips that `stave demo` asks about: a few scenes that training never saw, one of them also backwards, with a labels.jsonl.
 * node scripts/make-box-clips.ts [FOLDER=box/clips] [SEED=demo-8] */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeScene, reverse, type Scene, type SceneOptions } from '../src/clips/index.ts';
import { actionQuestion, pictures, questions, type Motion10Record, type QuestionKind } from '../src/tasks/index.ts';
import { encodeVideo } from '../src/video/index.ts';

type Wanted = { name: string; scene: SceneOptions; kinds: QuestionKind[]; backwards?: boolean };

const wanted: Wanted[] = [
  { name: 'closer', scene: { action: 'closer', aspect: 4 / 3 }, kinds: ['action', 'color', 'shape'] },
  { name: 'backwards', scene: { action: 'closer', aspect: 4 / 3 }, kinds: ['action'], backwards: true },
  { name: 'appearing', scene: { action: 'appearing', aspect: 1 }, kinds: ['action', 'color'] },
  { name: 'turning', scene: { action: 'anticlockwise', aspect: 1 }, kinds: ['action'] },
  { name: 'rising', scene: { action: 'rising', aspect: 3 / 4 }, kinds: ['action', 'yesno'] },
  { name: 'blinking', scene: { count: 'blink', aspect: 4 / 3 }, kinds: ['count'] },
  { name: 'crossing', scene: { action: 'left-to-right', aspect: 16 / 9 }, kinds: ['action'] },
  { name: 'order', scene: { kind: 'order', aspect: 4 / 3 }, kinds: ['order'] },
];

const [folder = 'box/clips', seed = 'demo-8'] = process.argv.slice(2);
await rm(folder, { recursive: true, force: true });
await mkdir(folder, { recursive: true });
const records: Motion10Record[] = [];
for (const [i, { name, scene: options, kinds, backwards }] of wanted.entries()) {
  const scene = suitable(options, backwards === true ? i - 1 : i, kinds);
  const shown = backwards ? reverse(scene) : scene;
  const codec = i % 3 === 2 ? 'vp9' : 'h264';
  const video = `${name}.${codec === 'vp9' ? 'webm' : 'mp4'}`;
  await encodeVideo(join(folder, video), pictures(shown), { fps: shown.fps, codec, quality: codec === 'vp9' ? 32 : 24, speed: 'small' });
  const asked = questions(shown);
  for (const kind of kinds) {
    const { question, answer } = asked.find((q) => q.kind === kind)!;
    records.push({ id: `${name}-${kind}`, video, kind, question: kind === 'action' ? actionQuestion : question, answer });
  }
}
await writeFile(join(folder, 'labels.jsonl'), records.map((record) => `${JSON.stringify(record)}\n`).join(''));
console.log(`${wanted.length} clips, ${records.length} questions in ${folder}`);

/** The first scene of that kind that is small and short enough to ship. */
function suitable(options: SceneOptions, number: number, kinds: QuestionKind[]): Scene {
  for (let attempt = 0; ; attempt++) {
    const scene = makeScene(`${seed}/${number}/${attempt}`, options);
    const seconds = scene.frames / scene.fps;
    const size = Math.min(scene.width, scene.height);
    const asked = questions(scene).map(({ kind }) => kind);
    if (!kinds.every((kind) => asked.includes(kind))) continue;
    if (seconds > 1.5 && seconds < 3.5 && size >= 160 && size <= 260 && (options.action === undefined || scene.actors[0].radius > 0.12)) return scene;
  }
}
