import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Interrupt } from '../../src/cli/interrupt.ts';
import { clip, goldens, model, stave } from './run.ts';

const packageJson = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string };

const overview = (await stave(['--help'])).out;
const names = [...overview.matchAll(/^ {2}([a-z]+) {2,}/gm)].map(([, name]) => name);

test('help and version', async () => {
  assert.ok(names.length >= 15 && names.includes('ask') && names.includes('train'));
  for (const argv of [[], ['--help'], ['-h'], ['help']]) {
    const { code, out, err } = await stave(argv);
    assert.deepEqual([code, err], [0, '']);
    assert.equal(out, overview);
  }
  assert.deepEqual(await stave(['--version']), { code: 0, out: `${packageJson.version}\n`, err: '' });
  assert.deepEqual(await stave(['help', 'plan']), await stave(['plan', '--help']));
});

for (const name of names)
  test(`${name} --help names every argument and option with its meaning`, async () => {
    const { code, out, err } = await stave([name, '--help']);
    assert.deepEqual([code, err], [0, '']);
    assert.match(out, new RegExp(`usage: stave ${name}`));
    for (const line of out.split('\n').filter((l) => /^ {2}(-\w,| {2}) /.test(l))) assert.match(line, /^ {2}(-\w, | {4})--[a-z-]+( \S+)? {2,}\S/, line);
    assert.match(out, new RegExp(`examples:\n[^]* {2}stave ${name}`));
  });

const misuse: [argv: string[], message: RegExp][] = [
  [['aks'], /unknown command "aks"\n→ did you mean ask\?/],
  [['--bogus'], /unknown option "--bogus"/],
  [['help', 'nothing'], /unknown command "nothing"/],
  [['ask'], /a video and a question are missing/],
  [['ask', clip], /the question is missing/],
  [['ask', clip, ' '], /the question is empty/],
  [['ask', clip, 'a', 'b'], /"b" is one argument too many/],
  [['ask', clip, 'a', '--modle', model], /unknown option "--modle"\n→ did you mean --model\?/],
  [['ask', clip, 'a', '--frames', 'many'], /--frames must be a whole number from 1 to 1000000, got "many"/],
  [['ask', clip, 'a', '--rule', 'every'], /--rule must be one of stave, qwen, lmms, count, all, got "every"/],
  [['ask', clip, 'a', '--rule', 'count'], /the rule "count" needs --frames N/],
  [['ask', clip, 'a', '--rule', 'qwen', '--frames', '3'], /the rule "qwen" takes no --frames/],
  [['ask', clip, 'a', '--times', '0,,1'], /--times must be seconds with commas between, got "0,,1"/],
  [['ask', clip, 'a', '--times', '1', '--fps', '2'], /--fps cannot go with it/],
  [['ask', clip, 'a', '--model', model, '--times', '7'], /the clip has no frame at 7 s/],
  [['ask', '--batch', 'q.jsonl'], /--batch and --out go together/],
  [['ask', clip, '--batch', 'q.jsonl', '--out', 'a.jsonl'], /--batch takes videos and questions from q\.jsonl/],
  [['decide', clip], /there are no choices\n→ give one of --choice/],
  [['decide', clip, '--choice', 'open,close', '--yes-no'], /--choice and --yes-no cannot go together/],
  [['decide', clip, '--yes-no'], /--yes-no needs a question/],
  [['decide', clip, '--score', '1..x', '-q', 'How?'], /--score must be a range of whole numbers, or numbers with commas between, got "1\.\.x"/],
  [['decide', clip, '--choice', 'open', '--model', model], /there is one choice to decide between\n→ give at least two different choices, like --choice "open,close"\n/],
  [['decide', clip, '--choice', 'open,,close', '--model', model], /choice 2 is empty/],
  [['decide', clip, '--choice', 'push,push it', '--open-ended', '--model', model], /"push it" begins with the choice "push"\n.*\n→ leave out --open-ended, or/],
  [['ask', clip, 'a', '--choices', 'open,close', '--top-k', '4'], /--top-k cannot go with --choices/],
  [['ask', clip, 'a', '--choices', 'open', '--model', model], /there is one choice .*\n→ .* like --choices "open,close"\n/],
  [['ask', clip, 'a', '--normalize', 'mean'], /--normalize goes with --choices/],
  [['ask', clip, 'a', '--reuse', '10'], /--reuse goes with --batch/],
  [['plan'], /VIDEO is missing/],
  [['render'], /FOLDER is missing/],
  [['render', 'x', '--count', '0'], /--count must be a whole number from 1/],
  [['render', 'x', '--class', 'jumping'], /"jumping" is not a class of clips\n→ use one of action/],
  [['render', 'x', '--codec', 'av1'], /--codec must be one of h264, vp9/],
  [['train'], /RECIPE is missing/],
  [['train', 'a.json', '--set', 'steps'], /--set must be PATH=VALUE, got "steps"/],
  [['chat'], /FILE is missing/],
  [['chat', clip], /there is no input to read questions from/],
  [['demo', 'now'], /"now" is one argument too many/],
  [['pull', 'no model'], /"no model" is not the name of a model/],
  [['pull', 'a/b', '--revision', '..'], /is not a revision/],
  [['models', 'delete'], /unknown argument "delete"/],
  [['models', 'remove'], /OWNER\/NAME is missing/],
  [['insert', model], /OUT_DIR is missing/],
  [['insert', model, 'x', '--head-scale', 'big'], /--head-scale must be a number, got "big"/],
  [['insert', model, 'x', '--blocks', 'some'], /--blocks must be all, last:N or numbers/],
  [['merge', model, model], /OUT_DIR is missing/],
  [['merge', model, model, 'x', '--dtype', 'F8'], /--dtype must be one of F32, F16, BF16/],
  [['data'], /is missing/],
  [['eval'], /--tasks is missing/],
  [['eval', 'look'], /"look" is nothing that stave eval does/],
  [['eval', '--tasks', 'x', '--data', '.', '--output', 'x'], /there is no benchmark "x"/],
  [['eval', '--tasks', 'motion10', '--data', '.', '--output', 'x', '--shard', '3/2'], /"3\/2" is no shard/],
  [['compare', 'x'], /RUN_B is missing/],
  [['doctor', '--fix'], /unknown option "--fix"/],
];

for (const name of names)
  test(`${name}: an option that it has not is misuse`, async () => {
    const { code, out, err } = await stave([name, '--no-such-option']);
    assert.deepEqual([code, out], [2, '']);
    assert.match(err, /^error: unknown option "--no-such-option"\n/);
  });

test('misuse: one message that says what to do, exit code 2, nothing on standard output', async () => {
  for (const [argv, message] of misuse) {
    const { code, out, err } = await stave(argv);
    assert.deepEqual([code, out], [2, ''], argv.join(' '));
    assert.match(err, message);
    assert.match(err, /^error: /);
    assert.doesNotMatch(err, /^ +at /m);
  }
});

const failures: [argv: string[], message: RegExp][] = [
  [['ask', `${goldens}video/nowhere.mp4`, 'a', '--model', model], /there is no video at .*nowhere\.mp4\nno such file/],
  [['ask', `${goldens}video`, 'a', '--model', model], /there is no video at .*\nit is a directory/],
  [['ask', `${goldens}video/audio_only.m4a`, 'a', '--model', model], /has no video stream/],
  [['ask', `${goldens}video/empty.mp4`, 'a', '--model', model], /the file is empty/],
  [['ask', `${goldens}video/text.mp4`, 'a', '--model', model], /it is text, not a video/],
  [['ask', `${goldens}video/truncated.mp4`, 'a', '--model', model], /the file is cut short.*\n→ fetch it again; or add --partial, to use what is there\n/],
  [['plan', clip, '--frames', '9999', '--repeat', '--model', model], /→ use at most \d+ frames \(--frames \d+\), or frames of at most \d+ pixels \(--max-pixels \d+\)\n/],
  [['plan', clip, '--max-pixels', '9', '--model', model], /→ raise --max-pixels, or crop/],
  [['plan', `${goldens}video/audio_only.m4a`, '--model', model], /has no video stream/],
  [['ask', clip, 'a', '--model', `${goldens}nowhere`], /there is no model directory .*nowhere\n→ give a directory with config\.json/],
  [['ask', clip, 'a', '--model', `${goldens}video`], /has no config\.json/],
  [['ask', clip, 'a', '--model', clip], /is not a directory/],
  [['ask', '--batch', 'nowhere.jsonl', '--out', 'a.jsonl', '--model', model], /cannot read the questions file nowhere\.jsonl/],
  [['train', 'nowhere.json'], /cannot read the recipe nowhere\.json/],
  [['train', `${model}/config.json`], /config\.json: \w+ is missing/],
  [['render', `${clip}/clips`], /cannot write .*clips\nsomething on its path is a file/],
  [['insert', model, 'x'], /has temporal attention already/],
  [['merge', model, model, goldens], /exists already/],
  [['compare', 'nowhere', 'nowhere'], /nowhere holds no finished run/],
  [['eval', '--tasks', 'motion10', '--data', 'nowhere', '--output', 'x'], /there is no /],
  [['eval', '--tasks', 'motion10', '--data', 'nowhere', '--output', 'nowhere', '--resume'], /nowhere holds no answers to go on with/],
  [['data', 'check', 'nowhere.jsonl'], /cannot read the data file nowhere\.jsonl/],
];

test('a failure: what, which value, what to do; exit code 1, no stack trace', async () => {
  for (const [argv, message] of failures) {
    const { code, out, err } = await stave(argv);
    assert.deepEqual([code, out], [1, ''], argv.join(' '));
    assert.match(err, message);
    assert.doesNotMatch(err, /^ +at /m);
  }
});

test('--debug shows where it came from', async () => {
  const { code, err } = await stave(['plan', `${goldens}video/nowhere.mp4`, '--model', model, '--debug']);
  assert.equal(code, 1);
  assert.match(err, /^error: there is no video[^]*\n +at /);
  assert.doesNotMatch((await stave(['ask', '--', 'nowhere.mp4', '--debug', '--model'])).err, /^ +at /m); // after -- it is a question
});

test('an interrupt: its own exit code, one word', async () => {
  assert.deepEqual(await stave(['ask', clip, 'a', '--model', model], { signal: AbortSignal.abort() }), { code: 130, out: '', err: 'interrupted\n' });
  assert.deepEqual(await stave(['plan', clip, '--model', model], { signal: AbortSignal.abort(new Interrupt('interrupted', 143)) }), { code: 143, out: '', err: 'interrupted\n' });
  assert.deepEqual(await stave(['ask', clip, 'a', '--model', model], { signal: AbortSignal.abort(new Interrupt('', 0)) }), { code: 0, out: '', err: '' });
});
