import assert from 'node:assert/strict';
import { test } from 'node:test';
import { choice, help, number, parseCommand, type Command } from '../../src/cli/command.ts';

const command: Command = {
  name: 'try',
  summary: 'Try things',
  args: [{ name: 'FILE', help: 'a file' }, { name: 'WORD', help: 'a word', optional: true }],
  options: {
    model: { type: 'string', short: 'm', value: 'DIR', help: 'which model, and quite a long story about it that will not fit a line' },
    count: { type: 'string', value: 'N', default: '3', help: 'how many' },
    json: { type: 'boolean', help: 'as JSON' },
  },
  examples: ['stave try it'],
  run: async () => {},
};
const parse = (...argv: string[]) => parseCommand(command, argv);
const refused = (text: RegExp, ...argv: string[]) => assert.throws(() => parse(...argv), (error: Error & { code: string }) => error.code === 'USAGE' && text.test(error.message), argv.join(' '));

test('arguments and options in any order, defaults where nothing is said', () => {
  assert.deepEqual(parse('a', '--json', 'b', '-m', 'x'), { args: ['a', 'b'], values: { model: 'x', count: '3', json: true, help: undefined, debug: undefined } });
  assert.equal(parse('a', '--count=-1').values.count, '-1');
  assert.equal(parse('a', '--count', '-1').values.count, '-1'); // a negative number is a value, not an option
  assert.equal(parse('a', '-mx').values.model, 'x');
  assert.deepEqual(parse('--', '--json', '-m').args, ['--json', '-m']); // after -- nothing is an option
});

test('what is wrong is said by name, with the nearest name there is', () => {
  refused(/unknown option "--jsom"\n→ did you mean --json\?/, 'a', '--jsom');
  refused(/unknown option "-x"\n→ stave try --help lists them/, 'a', '-x');
  refused(/--model needs a value \(DIR\)/, 'a', '--model');
  refused(/--model needs a value \(DIR\), but --json follows/, 'a', '--model', '--json');
  refused(/--json takes no value, got "yes"/, 'a', '--json=yes');
  refused(/FILE is missing: a file/);
  refused(/"c" is one argument too many/, 'a', 'b', 'c');
});

test('--help needs no arguments', () => assert.equal(parse('--help').values.help, true));

const count = (text: string, range: object) => number({ count: text }, 'count', range);

test('numbers are held to their range', () => {
  assert.equal(count('2.5', {}), 2.5);
  assert.equal(count('1e3', { integer: true }), 1000);
  assert.equal(number({}, 'count'), undefined);
  for (const text of ['', ' ', 'two', 'NaN', 'Infinity', '0', '2.5', '11']) assert.throws(() => count(text, { min: 1, max: 10, integer: true }), { code: 'USAGE', message: `--count must be a whole number from 1 to 10, got "${text}"` });
  assert.throws(() => count('-1', { min: 0 }), { message: '--count must be a number of at least 0, got "-1"' });
});

test('words are held to their list', () => {
  assert.equal(choice({ codec: 'vp9' }, 'codec', ['h264', 'vp9']), 'vp9');
  assert.throws(() => choice({ codec: 'av1' }, 'codec', ['h264', 'vp9']), { code: 'USAGE', message: '--codec must be one of h264, vp9, got "av1"' });
});

test('help fits the terminal, beside the names or below them', () => {
  assert.match(help(command), /^Try things\n\nusage: stave try FILE \[WORD\] \[options\]\n/);
  assert.match(help(command), / {2}-m, --model DIR {2}which model, and quite a long story about it that will not fit a line\n {6}--count N {4}how many \(default 3\)\n/);
  for (const columns of [60, 44, 30]) {
    const table = help(command, columns).split('\n').slice(4, -4);
    assert.ok(table.every((line) => line.length <= columns), `${columns}:\n${table.join('\n')}`);
    assert.equal(table.join(' ').replace(/\s+/g, ' ').includes('quite a long story about it that will not fit a line'), true);
  }
  assert.match(help(command, 30), / {2}-m, --model DIR\n {8}which model, and/);
});
