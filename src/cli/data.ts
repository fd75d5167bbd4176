import { resolve } from 'node:path';
import { checkConversations, inspectConversation, type CheckOptions, type DataModel, type DataReport, type Inspected } from '../data/index.ts';
import { StaveError } from '../errors.ts';
import { writeWhole } from '../files/write.ts';
import { boxModel } from '../generate/index.ts';
import { findModel } from '../hub/find.ts';
import { loadStages, type Recipe } from '../train/index.ts';
import { recipeModel } from '../train/recipe-model.ts';
import type { ConversationData } from '../train/recipe-data.ts';
import type { Picture } from '../video/index.ts';
import { modelOption } from './ask-options.ts';
import { choice, number, string, unknown, type Command, type Io, type Values } from './command.ts';
import { hasColor, strip } from './picture.ts';
import { png, sideBySide } from '../video/png.ts';
import { Progress } from './progress.ts';

export const data: Command = {
  name: 'data',
  summary: 'Look at conversations before they are trained on: check a whole file, or inspect one of its rows',
  args: [
    { name: 'check|inspect', help: 'check: read every row, count tokens, list what is wrong; inspect: show a row as the model would see it' },
    { name: 'FILE', help: 'a data file: .jsonl with a conversation a line, or .json with a list of them' },
  ],
  options: {
    ...modelOption,
    recipe: { type: 'string', value: 'FILE', help: 'take model, frames, lengths and what is learnt from a recipe (its first stage), as training does; options given beside it go before' },
    media: { type: 'string', value: 'DIR', help: 'folder that the data\'s relative paths start at (default: the data file\'s)' },
    learn: { type: 'string', value: 'every|last', help: 'which answers of a conversation are learnt (default: every)' },
    skip: { type: 'string', value: 'FILE', help: 'a quarantine list, whose rows are left out' },
    'max-tokens': { type: 'string', value: 'N', help: 'the most tokens a conversation may take (default: the model\'s positions)' },
    'no-decode': { type: 'boolean', help: 'check: read the headers of videos alone, without decoding the frames the model would see' },
    out: { type: 'string', value: 'FILE', help: 'check: write a quarantine list, a JSON line for each row that something is wrong with' },
    index: { type: 'string', short: 'i', value: 'N', default: '0', help: 'inspect: which row, from 0' },
    png: { type: 'string', value: 'FILE', help: 'inspect: save the frames the model sees, side by side, as a picture' },
    json: { type: 'boolean', help: 'as JSON' },
  },
  examples: ['stave data check data.jsonl', 'stave data check data.jsonl --model DIR --out quarantine.jsonl', 'stave data check data.jsonl --recipe recipe.json', 'stave data inspect data.jsonl --index 3', 'stave data inspect data.jsonl --index 3 --png frames.png'],
  async run([action, file], values, io) {
    if (action === 'check') return check(file, values, io);
    if (action === 'inspect') return inspect(file, values, io);
    throw unknown('argument', action, ['check', 'inspect'], data);
  },
};

/** What the options say, then the recipe, then the model. @throws USAGE, RECIPE */
async function asked(values: Values): Promise<{ model: string | DataModel; held: string | null; options: CheckOptions }> {
  const recipe = await recipeOf(string(values, 'recipe'));
  const said = recipe?.data;
  const model = string(values, 'model');
  const options: CheckOptions = {
    media: string(values, 'media') ?? said?.media ?? undefined,
    skip: string(values, 'skip') ?? said?.skip ?? undefined,
    learn: choice(values, 'learn', ['every', 'last']) ?? said?.learn,
    max_tokens: number(values, 'max-tokens', { min: 1, integer: true }) ?? said?.max_tokens ?? undefined,
    sampling: said?.sampling ?? undefined,
    min_pixels: said?.min_pixels ?? undefined,
    max_pixels: said?.max_pixels ?? undefined,
  };
  return { model: model === undefined && recipe !== undefined ? await recipeModel(recipe) : await findModel(model ?? boxModel), held: said?.eval ?? null, options };
}

async function recipeOf(file: string | undefined): Promise<(Recipe & { data: ConversationData }) | undefined> {
  if (file === undefined) return undefined;
  const [{ data: said, ...recipe }] = await loadStages(file);
  if (said.task === 'conversations') return { ...recipe, data: said };
  throw new StaveError('USAGE', { what: `${file} trains on no data file`, why: `its data.task is "${said.task}"`, fix: 'give a recipe whose data.task is "conversations"' });
}

/** @returns 1 when something is wrong */
async function check(file: string, values: Values, { stdout, stderr, signal }: Io): Promise<number> {
  refuseOthers(values, 'check', ['png']);
  using progress = new Progress(stderr, { every: 30 });
  const { model, held, options } = await asked(values);
  const report = await checkConversations(file, model, {
    ...options,
    decode: values['no-decode'] !== true,
    out: string(values, 'out'),
    signal,
    onRow: ({ rows, bad }) => progress.show(`${rows} rows${bad > 0 ? `, ${bad} with something wrong` : ''}`),
  });
  progress.clear();
  if (held !== null && held !== resolve(file)) stderr.write(`the recipe's held-out conversations, ${held}, are not checked here: give them as FILE\n`);
  stdout.write(values.json ? `${JSON.stringify(report)}\n` : `${summary(report, string(values, 'out'))}\n`);
  return report.problems.length > 0 ? 1 : 0;
}

function summary({ file, rows, good, skipped, forms, ignored, videos, images, frames, answers, tokens, decoded, problems }: DataReport, out: string | undefined): string {
  const bad = rows - good - skipped;
  const table: [string, string][] = [
    ['rows', `${rows}: ${good} good, ${bad} with something wrong${skipped > 0 ? `, ${skipped} left out by the quarantine list` : ''}`],
    ['forms', Object.entries(forms).map(([form, count]) => `${form} ${count}`).join(', ')],
    ['media', `${videos} videos, ${images} images, ${frames} frames${decoded ? '' : ' (not decoded)'}`],
    ['tokens', `${tokens.total}, of them ${tokens.visual} visual; a row ${tokens.shortest} to ${tokens.longest?.tokens ?? 0}, ${tokens.mean.toFixed(0)} on average${tokens.longest ? ` (longest: line ${tokens.longest.line})` : ''}`],
    ['learnt', `${tokens.learnt} tokens in ${answers} answers`],
    ...(Object.keys(ignored).length === 0 ? [] : [['ignored', `fields that mean nothing here: ${Object.entries(ignored).map(([name, count]) => `${name} (${count} rows)`).join(', ')}`] as [string, string]]),
  ];
  const wrong = problems.map(({ line, kind, what }) => `${file}:${line}: ${kind}: ${what}`);
  return [...wrong, ...(wrong.length > 0 ? [''] : []), ...table.map(([name, value]) => `${name.padEnd(9)}${value}`), ...(out === undefined ? [] : [`${'list'.padEnd(9)}${bad} rows: ${out}`])].join('\n');
}

async function inspect(file: string, values: Values, { stdout }: Io): Promise<void> {
  refuseOthers(values, 'inspect', ['out', 'no-decode']);
  const { model, options } = await asked(values);
  const row = await inspectConversation(file, number(values, 'index', { min: 0, integer: true }) ?? 0, model, options);
  const save = string(values, 'png');
  if (save !== undefined) await writeWhole(save, png(sideBySide(row.pictures.flat())));
  if (values.json) {
    const { pictures: _, ...rest } = row;
    stdout.write(`${JSON.stringify(rest)}\n`);
    return;
  }
  const color = hasColor(stdout);
  const width = Math.min(stdout.columns || 80, 160);
  const strips = row.pictures.map((pictures, i) => [`${row.media[i].kind} ${i + 1}: ${row.media[i].path ?? 'a list of pictures'}`, seen(row, i), ...stripRows(pictures, width, color), ''].join('\n'));
  stdout.write(`${[...strips, text(row, color), '', `line ${row.line}, form ${row.form}: ${row.tokens} tokens, ${row.visual_tokens} of them visual, ${row.learnt_tokens} learnt`].join('\n')}\n`);
}

function seen({ media }: Inspected, i: number): string {
  const { frames, grid, tokens, sizes } = media[i];
  const times = frames.map(({ time, index }) => (time === null ? `#${index}` : `${time.toFixed(2)} s`));
  return `${frames.length} ${frames.length === 1 ? 'frame' : 'frames'} at ${times.join(', ')}; ${sizes.input.width}×${sizes.input.height}, grid ${grid.join('×')}, ${tokens} tokens`;
}

/** At most eight frames beside each other: smaller ones show nothing. */
function stripRows(pictures: readonly Picture[], width: number, color: boolean): string[] {
  const most = Math.max(1, Math.min(8, pictures.length, Math.floor(width / 12)));
  return Array.from({ length: Math.ceil(pictures.length / most) }, (_, i) => {
    const some = pictures.slice(i * most, (i + 1) * most);
    return strip(some, { width: Math.floor((width * some.length) / most), color });
  });
}

/** What is learnt in green, the rest dim; without colour what is learnt stands in ⟦ ⟧. */
function text({ pieces }: Inspected, color: boolean): string {
  return pieces.map(({ text: said, learnt, visual }) => {
    const shown = visual === undefined ? said : `${said} × ${visual}`;
    if (!color) return learnt ? `⟦${shown}⟧` : shown;
    return `\x1b[${learnt ? '1;32' : visual === undefined ? '2' : '36'}m${shown}\x1b[0m`;
  }).join('');
}

/** @throws USAGE for an option of the other action */
function refuseOthers(values: Values, action: string, others: readonly string[]): void {
  const surplus = others.find((name) => values[name] !== undefined);
  if (surplus !== undefined) throw new StaveError('USAGE', { what: `--${surplus} does not go with "stave data ${action}"`, fix: 'leave it out' });
}
