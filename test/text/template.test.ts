import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ChatTemplate, loadChatTemplate } from '../../src/text/index.ts';
import { memory } from './goldens.ts';

const messages = [{ role: 'user' as const, content: 'hi' }];
const render = (source: string) => new ChatTemplate(source).render(messages);

test('a template is looked for in chat_template.jinja, chat_template.json, tokenizer_config.json', async () => {
  const all = { 'chat_template.jinja': 'jinja', 'chat_template.json': { chat_template: 'json' }, 'tokenizer_config.json': { chat_template: [{ name: 'tool_use', template: 'tools' }, { name: 'default', template: 'list' }] } };
  const found: string[] = [];
  const left: Record<string, unknown> = { ...all };
  for (const name of Object.keys(all)) {
    found.push((await loadChatTemplate(memory(left))).render(messages));
    delete left[name];
  }
  assert.deepEqual(found, ['jinja', 'json', 'list']);
  await assert.rejects(loadChatTemplate(memory({})), { code: 'TOKENIZER', message: /has no chat template/ });
  await assert.rejects(loadChatTemplate(memory({ 'tokenizer_config.json': { chat_template: [{ name: 'rag', template: '' }] } })), { code: 'TOKENIZER', message: /neither a string nor a list with a "default"/ });
});

test('special tokens of tokenizer_config.json are names a template may use', async () => {
  const files = { 'chat_template.jinja': '{{ bos_token }}{{ eos_token }}{{ pad_token }}', 'tokenizer_config.json': { bos_token: '<s>', eos_token: { content: '</s>' }, pad_token: null } };
  assert.equal((await loadChatTemplate(memory(files))).render(messages), '<s></s>');
});

test('a template that throws is an error with its words', () => {
  assert.throws(() => render("{{ raise_exception('roles must alternate') }}"), { code: 'TOKENIZER', message: /roles must alternate/ });
  assert.throws(() => render('{% if %}'), { code: 'TOKENIZER', message: /not valid Jinja/ });
  assert.throws(() => render('{{ messages.foo.bar }}{{ unknown() }}'), { code: 'TOKENIZER' });
});

const refused = (source: string, message: RegExp) => assert.throws(() => render(source), { code: 'TOKENIZER', message });

test('a template can not use up time or memory', () => {
  refused('x'.repeat(300_000), /has 300000 characters/);
  refused('{% for i in range(1000) %}{% for j in range(1000) %}{% for k in range(1000) %}{% endfor %}{% endfor %}{% endfor %}', /more than 500000 steps/);
  refused('{% for i in range(10**9) %}{% endfor %}', /would list 1000000000 numbers/);
  refused("{% set ns = namespace(s='ab') %}{% for i in range(60) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}", /a text of more than/);
  refused('{% set ns = namespace(a=range(1000)) %}{% for i in range(60) %}{% set ns.a = ns.a + ns.a %}{% endfor %}', /a list of more than/);
});

test('range counts as in Python', () => {
  assert.equal(render('{% for i in range(3) %}{{ i }},{% endfor %}{% for i in range(5, 0, -2) %}{{ i }},{% endfor %}{% for i in range(3, 3) %}x{% endfor %}'), '0,1,2,5,3,1,');
});
